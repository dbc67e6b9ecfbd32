import type { FastifyInstance } from 'fastify'
import type { TranscodeQuality } from '@mixtape/audio-cache'

/** Whether a track would play at a quality without a miss, and what is being done about it. */
export type Readiness =
  | { state: 'cached' | 'not_needed' | 'queued' | 'missing' | 'absent' }
  | { state: 'transcoding', percent: number }
  | { state: 'failed', reason: string }

export type TrackReadiness = Record<TranscodeQuality, Readiness>

/** Looks at the queue and at the disk, the two places where the truth is, for some qualities of one track. */
export async function trackReadiness<Q extends TranscodeQuality> (
  app: FastifyInstance, path: string, qualities: Q[]
): Promise<Record<Q, Readiness>> {
  const each = async (look: (quality: Q) => Readiness | Promise<Readiness>) =>
    Object.fromEntries(await Promise.all(
      qualities.map(async quality => [quality, await look(quality)])
    )) as Record<Q, Readiness>

  const track = await app.library.open(path)
  if (!track) return await each(() => ({ state: 'missing' }))
  try {
    if (!app.cacheDirectory.shouldTranscode(path)) return await each(() => ({ state: 'not_needed' }))
    return await each(async quality => {
      // The queue before the disk: a job that ends in between is then found on the disk.
      const job = await app.transcodeQueue.state({ path, quality })
      const found = await app.cacheDirectory.find(track, quality)
      if (found.status === 'hit') {
        await found.file.close()
        return { state: 'cached' }
      }
      if (job) return job
      const failure = await app.failedSources.get(path)
      return failure?.version === track.version ? { state: 'failed', reason: failure.reason } : { state: 'absent' }
    })
  } finally {
    await track.close()
  }
}

export function isReady ({ state }: Readiness): boolean {
  return state === 'cached' || state === 'not_needed'
}

/** @returns whether nothing is going to change by itself */
export function isSettled ({ state }: Readiness): boolean {
  return state !== 'queued' && state !== 'transcoding'
}
