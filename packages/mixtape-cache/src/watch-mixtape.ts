import { EventEmitter, on } from 'node:events'
import type { Mixtape, MixtapeRegistry } from '@mixtape/mixtapes'
import { transcodeQualities, type TranscodeQuality } from '@mixtape/mp3'
import { deduplicationId, type Change, type TranscodeEvents } from '@mixtape/transcode-queue'
import { MixtapeReadiness, type Progress, type ReadinessOptions } from './mixtape-readiness.ts'

export interface WatchOptions extends ReadinessOptions {
  events: TranscodeEvents
  registry: MixtapeRegistry
  /** Aborted when the client has left. */
  signal: AbortSignal
}

/**
 * Yields the progress of a mixtape: first as it is, then after every change, until all tracks are settled or the
 * mixtape is removed.
 */
export async function * watchMixtape (mixtape: Mixtape, options: WatchOptions): AsyncGenerator<Progress> {
  const { events, registry, signal } = options
  // The listener comes before the first look-up, so that no change in between is lost.
  const changes = new EventEmitter<{ change: [Change] }>()
  const stopListening = events.listen(change => changes.emit('change', change))
  try {
    const pending = on(changes, 'change', { signal })
    let readiness = await MixtapeReadiness.of(mixtape, options)
    let jobs = jobsOf(mixtape)
    let last = readiness.progress
    yield last
    while (last.status === 'in_progress') {
      const { value: [change] } = await pending.next() as { value: [Change] }
      if ('mixtape' in change) {
        if (change.mixtape !== mixtape.slug) continue
        const changed = await registry.get(mixtape.slug)
        if (!changed) return
        readiness = await MixtapeReadiness.of(changed, options)
        jobs = jobsOf(changed)
      } else {
        const job = jobs.get(change.job)
        if (!job) continue
        await readiness.refresh(job.path, job.quality)
      }
      const next = readiness.progress
      if (isSame(last, next)) continue
      last = next
      yield next
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    stopListening()
  }
}

/** The jobs that a mixtape may have, by deduplication id. */
function jobsOf ({ tracks }: Mixtape): Map<string, { path: string, quality: TranscodeQuality }> {
  const all = tracks.flatMap(path => transcodeQualities.map(quality => ({ path, quality })))
  return new Map(all.map(job => [deduplicationId(job), job]))
}

function isSame (a: Progress, b: Progress): boolean {
  return JSON.stringify({ ...a, timestamp: '' }) === JSON.stringify({ ...b, timestamp: '' })
}
