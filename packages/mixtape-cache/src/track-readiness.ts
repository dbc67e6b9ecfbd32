import type { AudioCache } from '@mixtape/audio-cache'
import type { Track } from '@mixtape/library'
import type { TranscodeQuality } from '@mixtape/mp3'
import type { JobState } from '@mixtape/transcode-queue'
import type { TrackStores } from './precache.ts'

/**
 * State of a track at one quality. `cached`: would be a hit. `not_needed`: is served unchanged. `missing`: is not in
 * the library. `absent`: is neither cached nor enqueued. The others are states of its job.
 */
export type Readiness = JobState | { state: 'cached' | 'not_needed' | 'missing' | 'absent' }

export type TrackReadiness = Record<TranscodeQuality, Readiness>

/** Looks at the queue and at the disk for the state of a track at some qualities. */
export async function trackReadiness<Q extends TranscodeQuality> (
  { library, cache, producer }: TrackStores, path: string, qualities: Q[]
): Promise<Record<Q, Readiness>> {
  const each = async (look: (quality: Q) => Readiness | Promise<Readiness>) =>
    Object.fromEntries(await Promise.all(
      qualities.map(async quality => [quality, await look(quality)])
    )) as Record<Q, Readiness>

  const track = await library.open(path)
  if (!track) return await each(() => ({ state: 'missing' }))
  try {
    if (!cache.shouldTranscode(path)) return await each(() => ({ state: 'not_needed' }))
    return await each(async quality => {
      // The disk first: for a track that is cached, Redis is not asked.
      if (await isCached(cache, track, quality)) return { state: 'cached' }
      const job = await producer.state({ path, quality }, track.version)
      if (job) return job
      return { state: await isCached(cache, track, quality) ? 'cached' : 'absent' } // a job may have completed meanwhile
    })
  } finally {
    await track.close()
  }
}

async function isCached (cache: AudioCache, track: Track, quality: TranscodeQuality): Promise<boolean> {
  const found = await cache.find(track, quality)
  if (found.status === 'miss') return false
  await found.file.close()
  return true
}

/** @returns whether the track plays at the quality without a miss */
export function isReady ({ state }: Readiness): boolean {
  return state === 'cached' || state === 'not_needed'
}

/** @returns whether the state stays as it is unless somebody acts */
export function isSettled ({ state }: Readiness): boolean {
  return state !== 'queued' && state !== 'transcoding'
}
