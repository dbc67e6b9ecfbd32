import { EventEmitter, on } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { transcodeQualities, type TranscodeQuality } from '@mixtape/audio-cache'
import { deduplicationId, type Change, type Mixtape } from '@mixtape/transcode-queue'
import { MixtapeReadiness, type Progress } from './mixtape-readiness.ts'

/**
 * Yields how far a mixtape is, and then every change of that, until all of it is settled or the mixtape is forgotten.
 *
 * What was missed while nobody listened is in the first one: the truth is in Redis and on the disk, not in here.
 */
export async function * watchMixtape (
  app: FastifyInstance, mixtape: Mixtape, signal: AbortSignal
): AsyncGenerator<Progress> {
  // Listening before looking: what happens in between is then looked at twice, not missed.
  const changes = new EventEmitter<{ change: [Change] }>()
  const stop = app.transcodeEvents.listen(change => changes.emit('change', change))
  try {
    const queue = on(changes, 'change', { signal })
    let readiness = await MixtapeReadiness.of(app, mixtape)
    let jobs = jobsOf(mixtape)
    let last = readiness.progress
    yield last
    for (; last.status === 'in_progress';) {
      const { value: [change] } = await queue.next() as { value: [Change] }
      if ('mixtape' in change) {
        if (change.mixtape !== mixtape.slug) continue
        const changed = await app.mixtapes.get(mixtape.slug)
        if (!changed) return
        readiness = await MixtapeReadiness.of(app, changed)
        jobs = jobsOf(changed)
      } else {
        const job = jobs.get(change.job)
        if (!job) continue
        await readiness.look(job.path, job.quality)
      }
      const next = readiness.progress
      if (isSame(last, next)) continue
      last = next
      yield next
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    stop()
  }
}

/** What each job that may come along is about. */
function jobsOf ({ tracks }: Mixtape): Map<string, { path: string, quality: TranscodeQuality }> {
  const all = tracks.flatMap(path => transcodeQualities.map(quality => ({ path, quality })))
  return new Map(all.map(job => [deduplicationId(job), job]))
}

function isSame (a: Progress, b: Progress): boolean {
  return JSON.stringify({ ...a, timestamp: '' }) === JSON.stringify({ ...b, timestamp: '' })
}
