import { encodePath, request } from './library.ts'
import type { Quality } from './qualities.ts'

/** What the server sends for a track at a quality. */
export interface Serving {
  /** `kept`: the file on this device. `hit`: the cached MP3. `live`: the MP3 while it is made. `miss`: the original, because there is no MP3 yet. */
  outcome: 'kept' | 'hit' | 'live' | 'miss' | 'original'
  /** Such as `FLAC` or `MP3`. */
  format: string
  /** Bytes. */
  size: number
}

/** @returns the URL of a track, for an audio element */
export function playUrl (path: string, quality: Quality): string {
  return `/play/${encodePath(path)}?quality=${quality}`
}

/**
 * Asks what is served for a track. An audio element that loads the same URL at the same time gets the same. Asking for what
 * is not cached yet also has it made.
 */
export async function fetchServing (path: string, quality: Quality): Promise<Serving> {
  const { headers } = await request(playUrl(path, quality), { method: 'HEAD' })
  return servingOf(headers, Number(headers.get('content-length')))
}

/**
 * Reads what a response of `/play` says.
 *
 * @param size of the whole file, in bytes
 */
export function servingOf (headers: Headers, size: number): Serving {
  return { outcome: outcomeOf(headers.get('cache-status') ?? ''), format: formatOf(headers.get('content-type') ?? ''), size }
}

/** Reads a Cache-Status header (RFC 9211). docs/http.md lists its values. */
export function outcomeOf (cacheStatus: string): Serving['outcome'] {
  if (cacheStatus.startsWith('mixtape-offline')) return 'kept'
  if (/; hit\b/.test(cacheStatus)) return 'hit'
  if (/; stored\b/.test(cacheStatus)) return /detail=live/.test(cacheStatus) ? 'live' : 'hit'
  return /; fwd=bypass|not transcodable|detail=disabled/.test(cacheStatus) ? 'original' : 'miss'
}

function formatOf (contentType: string): string {
  const subtype = contentType.replace(/^audio\/(x-)?/, '').replace(/;.*/, '')
  return { mpeg: 'MP3', mp4: 'M4A', 'ms-wma': 'WMA' }[subtype] ?? subtype.toUpperCase()
}
