import type { IncomingHttpHeaders } from 'node:http'
import { cachedPaths, type AudioCache, type Quality, type Representation, type Track } from '@mixtape/audio-cache'
import type { LiveTranscodes } from '../plugins/live-transcodes.ts'
import { contentType } from './content-types.ts'
import { isAbout } from './preconditions.ts'

/** What a listener gets, and why. */
export interface Decision {
  /** Of the track, relative to MUSIC_ROOT. */
  path: string
  file: Representation
  type: string
  /** Value of the Cache-Status header (RFC 9211). */
  cacheStatus: string
  /**
   * Which way through the flow it was: a miss is where a transcode would have served better than the original, live is
   * a miss whose transcode is served while it is made.
   */
  outcome: 'original' | 'hit' | 'live' | 'miss'
  /** Of a transcode, relative to the cache directory: where it is, or is going to be. */
  cachedPath?: string
}

/**
 * Original or transcode: the flow of the quality and caching documentation, and one rule on top. A listener who has
 * begun on the original stays on it: a request that names the original's tag is about the original, also after the MP3
 * has appeared, since players glue ranges together without asking whether they belong to the same file.
 *
 * @param cache undefined where caching is disabled
 * @param live undefined where a miss is answered with the original
 */
export async function decide (
  track: Track, quality: Quality, headers: IncomingHttpHeaders, cache?: AudioCache, live?: LiveTranscodes
): Promise<Decision> {
  if (quality === 'original') return original(track, 'fwd=bypass; detail=original')
  if (!cache) return original(track, 'fwd=miss; detail=disabled')
  if (!cache.shouldTranscode(track.path)) return original(track, 'fwd=miss; detail="not transcodable"')
  if (isAbout(headers, track.etag)) return original(track, 'fwd=request; detail=pinned')
  const found = await cache.find(track, quality)
  if (found.status === 'hit') return transcode(track, found.file, 'hit', 'hit', found.path)
  if (!live) return original(track, `fwd=miss; detail=${found.reason}`, 'miss')

  const followed = await live.follow(track, quality)
  if (typeof followed === 'string') return original(track, `fwd=miss; detail=${followed}`, 'miss')
  if (followed.status === 'hit') return transcode(track, followed.file, 'fwd=miss; stored; collapsed', 'hit', followed.path)
  const status = followed.joined ? 'fwd=miss; stored; collapsed; detail=live' : 'fwd=miss; stored; detail=live'
  return transcode(track, followed.file, status, 'live', cachedPaths(track.path, quality)[0])
}

function original (track: Track, cacheStatus: string, outcome: 'original' | 'miss' = 'original'): Decision {
  return { path: track.path, file: track, type: contentType(track.path), cacheStatus: `mixtape; ${cacheStatus}`, outcome }
}

function transcode (
  { path }: Track, file: Representation, cacheStatus: string, outcome: Decision['outcome'], cachedPath: string
): Decision {
  return { path, file, type: 'audio/mpeg', cacheStatus: `mixtape; ${cacheStatus}`, outcome, cachedPath }
}
