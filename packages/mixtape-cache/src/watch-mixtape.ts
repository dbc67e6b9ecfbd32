import type { Mixtape, MixtapeRegistry } from '@mixtape/mixtapes'
import { transcodeQualities, type TranscodeQuality } from '@mixtape/mp3'
import { deduplicationId, type TranscodeEvents } from '@mixtape/transcode-queue'
import { MixtapeReadiness, type Progress, type ReadinessOptions } from './mixtape-readiness.ts'

export interface WatchOptions extends ReadinessOptions {
  events: TranscodeEvents
  registry: MixtapeRegistry
  /** Aborted when the client has left. */
  signal: AbortSignal
}

/**
 * Yields the progress of a mixtape: first as it is, then after every change, until all tracks are settled or the
 * mixtape is removed. For a client that reads slowly, changes of one job are put together.
 */
export async function * watchMixtape (mixtape: Mixtape, options: WatchOptions): AsyncGenerator<Progress> {
  const { events, registry, signal } = options
  let jobs = jobsOf(mixtape)
  const changedJobs = new Set<string>()
  let isEdited = false
  let wake = () => {}
  // The listener comes before the first look-up, so that no change in between is lost.
  const stopListening = events.listen(change => {
    if ('job' in change && jobs.has(change.job)) changedJobs.add(change.job)
    else if ('mixtape' in change && change.mixtape === mixtape.slug) isEdited = true
    else return
    wake()
  })
  // Not only below: a client that has left without reading what was sent would never ask for the next value.
  const stop = () => {
    stopListening()
    wake()
  }
  signal.addEventListener('abort', stop)
  try {
    let readiness = await MixtapeReadiness.of(mixtape, options)
    let last = readiness.progress
    yield last
    while (last.status === 'in_progress') {
      if (!isEdited && changedJobs.size === 0 && !signal.aborted) await new Promise<void>(resolve => { wake = resolve })
      if (signal.aborted) return
      if (isEdited) {
        isEdited = false
        changedJobs.clear()
        const edited = await registry.get(mixtape.slug)
        if (!edited) return
        jobs = jobsOf(edited)
        readiness = await MixtapeReadiness.of(edited, options)
      }
      const [id = ''] = changedJobs
      changedJobs.delete(id)
      const job = jobs.get(id)
      if (job) await readiness.refresh(job.path, job.quality)
      const next = readiness.progress
      if (isSame(last, next)) continue
      last = next
      yield next
    }
  } finally {
    signal.removeEventListener('abort', stop)
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
