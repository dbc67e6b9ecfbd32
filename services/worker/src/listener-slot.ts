import { setTimeout } from 'node:timers/promises'
import { DelayedError, UnrecoverableError, WaitingError, Worker, type ConnectionOptions, type Job } from 'bullmq'
import type { Logger } from 'pino'
import { priorities, QUEUE_NAME, workerOptions, type TranscodeProducer } from '@mixtape/transcode-queue'
import { jobLog } from './job-log.ts'

/** How often Redis is asked for waiting misses, only while all other slots are busy. No event tells of a promoted job. */
const POLL_MS = 25

/** The lock of a job is extended this often. */
const EXTEND_LOCK_MS = workerOptions.lockDuration / 4

export interface ListenerSlotOptions {
  connection: ConnectionOptions
  /** Of the worker, as in its heartbeat. */
  name: string
  producer: TranscodeProducer
  /** The processor; `signal` is aborted when another worker has the job. */
  process: (job: Job, token: string, signal: AbortSignal) => Promise<string | undefined>
  /** Whether all other slots of this worker are busy. */
  isNeeded: () => boolean
  /** Whether another worker has the job. */
  isTakenOver: (job: Job) => Promise<boolean>
  log: Logger
}

/**
 * One slot in addition to the worker's concurrency, for jobs that a listener waits for (AUDIO_CACHE_ON_MISS=transcode).
 * Without it a listener on a busy worker waits until a running transcode ends. On a worker with one slot that had started on
 * a FLAC of 20 minutes, the first byte of another track came after 13 s without this slot, and after 0.06 s with it.
 *
 * BullMQ fetches jobs by priority, but cannot fetch those of one priority only. So this slot fetches a job by hand
 * (https://docs.bullmq.io/patterns/manually-fetching-jobs), and puts it back where it is no miss: another worker has
 * taken the miss meanwhile.
 */
export class ListenerSlot {
  readonly #options: ListenerSlotOptions
  /** Fetches jobs, and runs none by itself. */
  readonly #fetcher: Worker
  readonly #stopping = new AbortController()
  readonly #polling: Promise<void>
  #fetches = 0

  constructor (options: ListenerSlotOptions) {
    this.#options = options
    this.#fetcher = new Worker(QUEUE_NAME, null, { ...workerOptions, connection: options.connection, name: options.name })
    this.#fetcher.on('error', () => {}) // the connection logs its errors itself
    this.#polling = this.#poll()
  }

  /**
   * Fetches no more jobs, and waits for the running one.
   *
   * @param isForced do not wait
   */
  async close (isForced: boolean): Promise<void> {
    this.#stopping.abort()
    if (!isForced) await this.#polling
    await this.#fetcher.close(isForced)
  }

  async #poll (): Promise<void> {
    const { log } = this.#options
    while (!this.#stopping.signal.aborted) {
      await this.#runMisses().catch(error => { log.debug(error, 'The listener slot could not fetch a job') })
      await setTimeout(POLL_MS, undefined, { signal: this.#stopping.signal }).catch(() => {})
    }
  }

  async #runMisses (): Promise<void> {
    const { producer, isNeeded } = this.#options
    while (!this.#stopping.signal.aborted && isNeeded() && await producer.countWaiting('miss') > 0) {
      const token = `${this.#fetcher.id}:${this.#fetches++}`
      const job = await this.#fetcher.getNextJob(token, { block: false })
      if (!job) return
      if (job.priority === priorities.miss) await this.#run(job, token)
      else await job.moveToWait(token)
    }
  }

  async #run (job: Job, token: string): Promise<void> {
    const { process, isTakenOver, log } = this.#options
    const lockLost = new AbortController()
    const extendLock = async () => {
      const isExtended = await job.extendLock(token, workerOptions.lockDuration).then(Boolean, () => true) // Redis is away
      if (!isExtended && await isTakenOver(job)) lockLost.abort(new Error('Another worker has the job'))
    }
    const timer = setInterval(() => { extendLock().catch(error => log.error(error)) }, EXTEND_LOCK_MS)
    try {
      // BullMQ hands out a job that stalled too often once more, so that it can be moved to failed.
      if (job.deferredFailure) throw new UnrecoverableError(job.deferredFailure)
      await job.moveToCompleted(await process(job, token, lockLost.signal), token, false)
    } catch (error) {
      if (error instanceof DelayedError || error instanceof WaitingError) return // the processor has moved the job
      await job.moveToFailed(error as Error, token, false)
      jobLog(log, job).warn({ attempts: job.attemptsMade }, `${job.name} failed: ${(error as Error).message}`)
    } finally {
      clearInterval(timer)
    }
  }
}
