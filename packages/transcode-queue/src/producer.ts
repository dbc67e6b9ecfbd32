import { randomUUID } from 'node:crypto'
import { Queue, type Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { FailedSources } from './failed-sources.ts'
import { deduplicationId, parseTranscodeJob, priorities, type TranscodeJob } from './job.ts'
import { jobOptions, KEY_PREFIX, QUEUE_NAME } from './queue.ts'

/**
 * What became of a wish: a new job, one that waits or runs already, one that was tried and has to wait before it is
 * tried again, or none because this source is known to fail.
 */
export type EnqueueResult =
  | { status: 'queued' }
  | { status: 'duplicate' }
  | { status: 'postponed' }
  | { status: 'failed', reason: string }

/** Where a job stands that was asked for and is not done. */
export type JobState =
  | { state: 'queued' }
  | { state: 'transcoding', percent: number }

/** Puts transcode jobs into the queue, and says where they stand. Fails fast while Redis is away. */
export class TranscodeProducer {
  readonly #queue: Queue<TranscodeJob>
  readonly #failed: FailedSources
  /** Adds that Redis has not answered yet, so that a thousand misses at once ask it once. */
  readonly #pending = new Map<string, Promise<EnqueueResult>>()

  /** @param redis from `producerConnection`; the caller closes it */
  constructor (redis: Redis) {
    this.#failed = new FailedSources(redis)
    this.#queue = new Queue(QUEUE_NAME, {
      connection: redis,
      prefix: KEY_PREFIX,
      defaultJobOptions: jobOptions,
      skipWaitingForReady: true,
      skipVersionCheck: true
    })
    this.#queue.on('error', () => {}) // the connection's own listener has logged it
  }

  /**
   * Asks for one track at one quality. A track that waits in a lower lane already moves up; it is never doubled.
   *
   * @param version of the source as it is now, where the caller knows it: a source that failed as it is now is not
   * queued again
   * @throws where the job is not valid, or Redis is away
   */
  async enqueue (job: TranscodeJob, version?: string): Promise<EnqueueResult> {
    const id = deduplicationId(parseTranscodeJob(job))
    const key = `${id} ${job.reason}`
    const pending = this.#pending.get(key)
    if (pending) return await pending
    const added = this.#add(id, job, version).finally(() => this.#pending.delete(key))
    this.#pending.set(key, added)
    return await added
  }

  /** @returns undefined for a job that is not in the queue: it is done, has failed, or was never asked for */
  async state (job: Pick<TranscodeJob, 'path' | 'quality'>): Promise<JobState | undefined> {
    const jobId = await this.#queue.getDeduplicationJobId(deduplicationId(job))
    const found = jobId ? await this.#queue.getJob(jobId) : undefined
    if (!found) return undefined
    return await found.isActive()
      ? { state: 'transcoding', percent: typeof found.progress === 'number' ? found.progress : 0 }
      : { state: 'queued' }
  }

  /** @returns how many jobs wait in one lane */
  async waiting (reason: TranscodeJob['reason']): Promise<number> {
    const counts = await this.#queue.getCountsPerPriority([priorities[reason]])
    return counts[`${priorities[reason]}`] ?? 0
  }

  async close (): Promise<void> {
    await this.#queue.close()
  }

  async #add (id: string, job: TranscodeJob, version?: string): Promise<EnqueueResult> {
    const failed = version && await this.#failed.get(job.path)
    if (failed && failed.version === version) return { status: 'failed', reason: failed.reason }
    const jobId = `${id}-${randomUUID()}`
    const priority = priorities[job.reason]
    const added = await this.#queue.add(job.quality, job, { jobId, priority, deduplication: { id } })
    if (added.id === jobId) return { status: 'queued' }
    const waiting = added.id ? await this.#queue.getJob(added.id) : undefined
    await this.#promote(waiting, priority)
    return { status: waiting && (waiting.delay > 0 || waiting.attemptsMade > 0) ? 'postponed' : 'duplicate' }
  }

  async #promote (job: Job<TranscodeJob> | undefined, priority: number): Promise<void> {
    if (!job || (job.priority ?? 0) <= priority) return
    // It may have begun, or ended, since it was looked up; then there is nothing left to hurry.
    await job.changePriority({ priority }).catch(() => {})
  }
}
