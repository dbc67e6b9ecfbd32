import { DelayedError, UnrecoverableError, WaitingError, type Job } from 'bullmq'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { transcodeQualities } from '@mixtape/mp3'
import type { RemovalReason } from '@mixtape/statistics'
import { laneOf } from '@mixtape/transcode-queue'
import { causeOf, failureCauses, type FailureCause } from './failure-cause.ts'
import type { Processor } from './processor.ts'

/** What a worker tells Prometheus about its jobs. */
export class WorkerMetrics {
  readonly #wait: Histogram<'lane' | 'quality'>
  readonly #run: Histogram<'lane' | 'quality'>
  readonly #speed: Histogram<'quality'>
  readonly #jobs: Counter<'lane' | 'quality' | 'result'>
  readonly #failures: Counter<'cause'>
  readonly #evictedFiles: Counter<'reason'>
  readonly #evictedBytes: Counter<'reason'>
  readonly #running: Gauge

  constructor (registry: Registry, concurrency: number) {
    const registers = [registry]
    this.#wait = new Histogram({
      name: 'mixtape_job_wait_seconds',
      help: 'Time from enqueueing a job to its first start, by lane and quality.',
      labelNames: ['lane', 'quality'],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 7200],
      registers
    })
    this.#run = new Histogram({
      name: 'mixtape_job_run_seconds',
      help: 'Time that one attempt of a job ran, by lane and quality.',
      labelNames: ['lane', 'quality'],
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
      registers
    })
    this.#speed = new Histogram({
      name: 'mixtape_transcode_speed_ratio',
      help: 'Seconds of audio per second of work, for each published transcode.',
      labelNames: ['quality'],
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
      registers
    })
    this.#jobs = new Counter({
      name: 'mixtape_jobs_total',
      help: 'Attempts by lane, quality and result: completed, failed, retried (it failed, and is tried again), postponed, returned (to another worker).',
      labelNames: ['lane', 'quality', 'result'],
      registers
    })
    this.#failures = new Counter({
      name: 'mixtape_job_failures_total', help: 'Failed attempts by cause.', labelNames: ['cause'], registers
    })
    this.#evictedFiles = new Counter({
      name: 'mixtape_evicted_files_total', help: 'Cached files that this worker removed, by reason.', labelNames: ['reason'], registers
    })
    this.#evictedBytes = new Counter({
      name: 'mixtape_evicted_bytes_total', help: 'Bytes of cached files that this worker removed, by reason.', labelNames: ['reason'], registers
    })
    this.#running = new Gauge({ name: 'mixtape_running_jobs', help: 'Jobs that this worker runs.', registers })
    new Gauge({ name: 'mixtape_worker_concurrency', help: 'Jobs that this worker may run at a time (WORKER_CONCURRENCY).', registers })
      .set(concurrency)
    // A series that appears with its first event would hide this event from rate().
    for (const reason of ['size', 'free', 'age', 'orphan'] as const) this.evicted(reason, { files: 0, bytes: 0 })
    for (const cause of failureCauses) this.#failures.inc({ cause }, 0)
    for (const quality of transcodeQualities) this.#speed.zero({ quality })
  }

  /** @returns the processor, whose jobs are counted and timed */
  watch (run: Processor): Processor {
    return async (job, token, lockLost) => {
      const labels = labelsOf(job)
      const started = performance.now()
      // Later attempts have waited for their time, not for a worker. The clocks of hosts differ.
      if (job.attemptsStarted === 1) this.#wait.observe(labels, Math.max(Date.now() - job.timestamp, 0) / 1000)
      this.#running.inc()
      try {
        const result = await run(job, token, lockLost)
        this.#jobs.inc({ ...labels, result: 'completed' })
        return result
      } catch (error) {
        this.#countThrown(job, error)
        throw error
      } finally {
        this.#running.dec()
        this.#run.observe(labels, (performance.now() - started) / 1000)
      }
    }
  }

  /** Counts a job that failed without being run, because its workers died. */
  stalled (job: Job): void {
    this.#countFailure(job, 'failed', 'stalled')
  }

  /** @param times seconds of audio, and of work */
  published (quality: string, { audio, work }: { audio: number, work: number }): void {
    this.#speed.observe({ quality }, audio / work)
  }

  evicted (reason: RemovalReason, { files, bytes }: { files: number, bytes: number }): void {
    this.#evictedFiles.inc({ reason }, files)
    this.#evictedBytes.inc({ reason }, bytes)
  }

  #countThrown (job: Job, error: unknown): void {
    if (error instanceof DelayedError) this.#jobs.inc({ ...labelsOf(job), result: 'postponed' })
    else if (error instanceof WaitingError) this.#jobs.inc({ ...labelsOf(job), result: 'returned' })
    else {
      const isLast = error instanceof UnrecoverableError || job.attemptsMade + 1 >= (job.opts.attempts ?? 1)
      this.#countFailure(job, isLast ? 'failed' : 'retried', causeOf(error))
    }
  }

  #countFailure (job: Job, result: 'failed' | 'retried', cause: FailureCause): void {
    this.#jobs.inc({ ...labelsOf(job), result })
    this.#failures.inc({ cause })
  }
}

/** Anybody can write to Redis: what is no quality must not become a label. */
function labelsOf (job: Job) {
  return { lane: laneOf(job.priority ?? 0), quality: transcodeQualities.find(quality => quality === job.data?.quality) ?? 'invalid' }
}
