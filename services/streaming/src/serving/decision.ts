import type { IncomingHttpHeaders } from 'node:http'
import type { AudioCache, OpenFile, Quality, Track } from '@mixtape/audio-cache'
import { contentType } from './content-types.ts'
import { isAbout } from './preconditions.ts'

/** What a listener gets, and why. */
export interface Decision {
  file: OpenFile
  type: string
  /** Value of the Cache-Status header (RFC 9211). */
  cacheStatus: string
  /** Which of the three ways through the flow it was; a miss is where a transcode would have served better. */
  outcome: 'original' | 'hit' | 'miss'
  /** Of a hit, relative to the cache directory. */
  cachedPath?: string
}

/**
 * Original or transcode: the flow of the quality and caching documentation, and one rule on top. A listener who has
 * begun on the original stays on it: a request that names the original's tag is about the original, also after the MP3
 * has appeared, since players glue ranges together without asking whether they belong to the same file.
 *
 * @param cache undefined where caching is disabled
 */
export async function decide (
  track: Track, quality: Quality, headers: IncomingHttpHeaders, cache: AudioCache | undefined
): Promise<Decision> {
  const original = (cacheStatus: string, outcome: 'original' | 'miss' = 'original'): Decision =>
    ({ file: track, type: contentType(track.path), cacheStatus: `mixtape; ${cacheStatus}`, outcome })

  if (quality === 'original') return original('fwd=bypass; detail=original')
  if (!cache) return original('fwd=miss; detail=disabled')
  if (!cache.shouldTranscode(track.path)) return original('fwd=miss; detail="not transcodable"')
  if (isAbout(headers, track.etag)) return original('fwd=request; detail=pinned')
  const found = await cache.find(track, quality)
  if (found.status === 'miss') return original(`fwd=miss; detail=${found.reason}`, 'miss')
  return { file: found.file, type: 'audio/mpeg', cacheStatus: 'mixtape; hit', outcome: 'hit', cachedPath: found.path }
}
