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
      // The queue first: a job that completes between the two look-ups is then found on the disk.
      const job = await producer.state({ path, quality }, track.version)
      const found = await cache.find(track, quality)
      if (found.status === 'miss') return job ?? { state: 'absent' }
      await found.file.close()
      return { state: 'cached' }
    })
  } finally {
    await track.close()
  }
}

/** @returns whether the track plays at the quality without a miss */
export function isReady ({ state }: Readiness): boolean {
  return state === 'cached' || state === 'not_needed'
}

/** @returns whether the state stays as it is unless somebody acts */
export function isSettled ({ state }: Readiness): boolean {
  return state !== 'queued' && state !== 'transcoding'
}
