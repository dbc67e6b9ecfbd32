import type { Quality } from '../api/qualities.ts'
import { outcomeOf, playUrl } from '../api/serving.ts'
import { appendPiece, startTrack, storedTrack, type StoredTrack } from './store.ts'

/** So much is read before it is stored. What was read when the line breaks is stored too. */
const PIECE_BYTES = 1 << 20

/** How it ended. `not-ready`: the server has not made the MP3 yet. `gone`: the track is not in the library any more. */
export type Outcome = 'whole' | 'not-ready' | 'gone'

export interface DownloadOptions {
  /** Whether the original is taken where there is no MP3. */
  takeOriginal: boolean
  signal: AbortSignal
  /** Called after each piece. */
  onProgress: () => void
}

/** The server has no answer now. */
export class ServerBusyError extends Error {}

/**
 * Fetches a track, or the rest of it. Where it is here whole, the server is asked whether it is still the same.
 *
 * @throws TypeError where the line breaks, QuotaExceededError where the device is full
 */
export async function download (path: string, quality: Quality, options: DownloadOptions): Promise<Outcome> {
  // Another mixtape or another tab may want the same track: their pieces must not be mixed.
  return await navigator.locks.request('mixtape-offline', { signal: options.signal }, async () => await fetchRest(path, quality, options))
}

async function fetchRest (path: string, quality: Quality, { takeOriginal, signal, onProgress }: DownloadOptions): Promise<Outcome> {
  const stored = await storedTrack(path, quality)
  const isWhole = stored !== undefined && stored.have === stored.size
  const headers: Record<string, string> = isWhole
    ? { 'if-none-match': stored.etag }
    : stored && stored.have > 0 ? { range: `bytes=${stored.have}-`, 'if-range': stored.etag } : {}
  // no-store: past the service worker, and not a second time into the browser's own cache.
  const response = await fetch(playUrl(path, quality), { headers, cache: 'no-store', signal })
  if (response.status === 304) return 'whole'
  if (response.status === 404) return 'gone'
  if (!response.ok) throw new ServerBusyError(`The server answered ${response.status}.`)
  if (outcomeOf(response.headers.get('cache-status') ?? '') === 'miss' && !takeOriginal) {
    await response.body?.cancel()
    return isWhole ? 'whole' : 'not-ready' // the server has lost its MP3; the one on this device is as good
  }
  const isRest = response.status === 206 && stored !== undefined && response.headers.get('etag') === stored.etag
  const track = isRest ? stored : await startOver(path, quality, response)
  await read(track, response, onProgress)
  return 'whole'
}

async function startOver (path: string, quality: Quality, { headers }: Response): Promise<StoredTrack> {
  const track: StoredTrack = {
    path,
    quality,
    etag: headers.get('etag') ?? '',
    contentType: headers.get('content-type') ?? '',
    size: Number(headers.get('content-length')),
    have: 0
  }
  await startTrack(track)
  return track
}

async function read (track: StoredTrack, { body }: Response, onProgress: () => void): Promise<void> {
  let chunks: Uint8Array<ArrayBuffer>[] = []
  let length = 0
  const flush = async () => {
    if (length === 0) return
    const piece = new Blob(chunks)
    chunks = []
    length = 0
    track = await appendPiece(track, piece)
    onProgress()
  }
  const reader = (body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader()
  try {
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      chunks.push(value as Uint8Array<ArrayBuffer>)
      length += value?.length ?? 0
      if (length >= PIECE_BYTES) await flush()
    }
  } finally {
    reader.cancel().catch(() => {}) // it may have failed already
    await flush()
  }
  if (track.have !== track.size) throw new TypeError('The response was too short')
}
