import type { IncomingHttpHeaders } from 'node:http'
import { cachedPaths, type AudioCache, type Transcode } from '@mixtape/audio-cache'
import type { Track } from '@mixtape/library'
import { mediaType } from '@mixtape/track-paths'
import type { Quality } from '@mixtape/mp3'
import type { LiveTranscodes } from './live-transcodes.ts'
import { carriesEntityTag, hasPrecondition } from './preconditions.ts'
import { firstByte } from './ranges.ts'

/** What a client gets, and why. The caller must close() the file, unless it is the track itself. */
export type Decision = OriginalDecision | TranscodeDecision

interface AnyDecision {
  /** Of the track, relative to MUSIC_ROOT. */
  path: string
  contentType: string
  /** Value of the Cache-Status header (RFC 9211). */
  cacheStatus: string
}

interface OriginalDecision extends AnyDecision {
  /** `miss`: there is no transcode yet. `original`: the client or the configuration wants the original. */
  outcome: 'original' | 'miss'
  file: Track
  cachedPath?: undefined
}

interface TranscodeDecision extends AnyDecision {
  /** `hit`: a cached transcode. `live`: a transcode that is being written. */
  outcome: 'hit' | 'live'
  file: Transcode
  /** Path of the transcode relative to the cache directory. */
  cachedPath: string
}

/**
 * Decides between the original and a transcode.
 *
 * A client that has started on the original stays on it (`detail=pinned`): players join the bytes of several ranges
 * without checking that they belong to the same file. The client shows it by the entity tag of the original, or by a
 * range that only the original can have.
 *
 * @param request its headers, and its id, which the job of a miss carries
 * @param cache undefined where caching is disabled
 * @param live undefined where a miss is answered with the original
 */
export async function decide (
  track: Track, quality: Quality, { headers, id }: { headers: IncomingHttpHeaders, id: string }, cache?: AudioCache, live?: LiveTranscodes
): Promise<Decision> {
  if (quality === 'original') return originalDecision(track, 'fwd=bypass; detail=original')
  if (!cache) return originalDecision(track, 'fwd=miss; detail=disabled')
  if (!cache.shouldTranscode(track.path)) return originalDecision(track, 'fwd=miss; detail="not transcodable"')
  if (carriesEntityTag(headers, track.etag)) return pinnedDecision(track)

  const found = await cache.find(track, quality)
  if (found.status === 'hit') return await transcodeDecision(track, found.file, headers, 'hit', 'hit', found.path)
  if (!live) return originalDecision(track, `fwd=miss; detail=${found.reason}`, 'miss')

  const followed = await live.follow(track, quality, id)
  if (typeof followed === 'string') return originalDecision(track, `fwd=miss; detail=${followed}`, 'miss')
  if (followed.status === 'hit') {
    return await transcodeDecision(track, followed.file, headers, 'hit', 'fwd=miss; stored; collapsed', followed.path)
  }
  const cacheStatus = followed.joined ? 'fwd=miss; stored; collapsed; detail=live' : 'fwd=miss; stored; detail=live'
  return await transcodeDecision(track, followed.file, headers, 'live', cacheStatus, cachedPaths(track.path, quality)[0])
}

function originalDecision (track: Track, cacheStatus: string, outcome: 'original' | 'miss' = 'original'): Decision {
  const contentType = mediaType(track.path) ?? 'application/octet-stream'
  return { path: track.path, file: track, contentType, cacheStatus: `mixtape; ${cacheStatus}`, outcome }
}

function pinnedDecision (track: Track): Decision {
  return originalDecision(track, 'fwd=request; detail=pinned')
}

async function transcodeDecision (
  track: Track, file: Transcode, headers: IncomingHttpHeaders, outcome: 'hit' | 'live', cacheStatus: string, cachedPath: string
): Promise<Decision> {
  // Beyond, not at, the end: a client that resumes a complete download asks for a range that starts at the end.
  const first = firstByte(headers.range)
  if (first !== undefined && first > file.size && first < track.size && !hasPrecondition(headers)) {
    await file.close()
    return pinnedDecision(track)
  }
  return { path: track.path, file, contentType: 'audio/mpeg', cacheStatus: `mixtape; ${cacheStatus}`, outcome, cachedPath }
}
