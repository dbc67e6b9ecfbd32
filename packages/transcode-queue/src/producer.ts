import type { Job, Queue } from 'bullmq'
import type { RedisClient } from './connection.ts'
import { FailedSources } from './failed-sources.ts'
import { deduplicationId, newJobId, parseTranscodeJob, type TranscodeJob } from './job.ts'
import { priorities } from './priorities.ts'
import { openQueue } from './queue.ts'

/**
 * `queued`: a new job. `duplicate`: a job for the same track and quality, or the same segment, waits or runs already.
 * `postponed`: such a job waits for its next attempt, for space, or for another worker. `failed`: no job was added, because
 * this version of the source is known to fail.
 */
export type EnqueueResult =
  | { status: 'queued' | 'duplicate' | 'postponed' }
  | { status: 'failed', reason: string }

/** State of a track at one quality as the queue knows it. `percent` is from 0 to 100. */
export type JobState =
  | { state: 'queued' }
  | { state: 'transcoding', percent: number }
  | { state: 'failed', reason: string }

/** Adds transcode jobs to the queue, and tells their state. */
export class TranscodeProducer {
  readonly #queue: Queue<TranscodeJob>
  readonly #failedSources: FailedSources
  /** Calls that Redis has not answered yet. Concurrent calls for the same job share one. */
  readonly #pending = new Map<string, Promise<EnqueueResult>>()

  /**
   * @param redis decides what happens while Redis is away: with producerConnection() all methods fail at once, with
   * workerConnection() they wait; the caller must disconnect it
   */
  constructor (redis: RedisClient) {
    this.#failedSources = new FailedSources(redis)
    this.#queue = openQueue(redis)
  }

  /**
   * Enqueues one track at one quality. A job for it that waits with a lower priority is promoted, and never doubled.
   *
   * @param version the present `Track.version`, where known: a source that failed in this version is not enqueued
   * @throws {TypeError} where the job is not valid
   * @throws where Redis is away, with a producerConnection()
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

  /**
   * @param version the present `Track.version`
   * @returns undefined where the job is completed, or was never enqueued
   */
  async state (job: Pick<TranscodeJob, 'path' | 'quality'>, version: string): Promise<JobState | undefined> {
    const jobId = await this.#queue.getDeduplicationJobId(deduplicationId(job))
    const found = jobId ? await this.#queue.getJob(jobId) : undefined
    if (!found) return await this.#failure(job.path, version)
    return await found.isActive()
      ? { state: 'transcoding', percent: typeof found.progress === 'number' ? found.progress : 0 }
      : { state: 'queued' }
  }

  /** @returns the number of waiting jobs with the priority of a reason */
  async countWaiting (reason: TranscodeJob['reason']): Promise<number> {
    const counts = await this.#queue.getCountsPerPriority([priorities[reason]])
    return counts[`${priorities[reason]}`] ?? 0
  }

  async close (): Promise<void> {
    await this.#queue.close()
  }

  async #failure (path: string, version: string): Promise<{ state: 'failed', reason: string } | undefined> {
    const failed = await this.#failedSources.get(path)
    return failed?.version === version ? { state: 'failed', reason: failed.reason } : undefined
  }

  async #add (id: string, job: TranscodeJob, version?: string): Promise<EnqueueResult> {
    const failure = version && await this.#failure(job.path, version)
    if (failure) return { status: 'failed', reason: failure.reason }
    const jobId = newJobId(id)
    const priority = priorities[job.reason]
    // A segment that fails is left to the job that it would have helped.
    const attempts = job.blocks ? { attempts: 1, removeOnFail: true } : {}
    const added = await this.#queue.add(job.quality, job, { jobId, priority, deduplication: { id }, ...attempts })
    if (added.id === jobId) return { status: 'queued' }
    const existing = added.id ? await this.#queue.getJob(added.id) : undefined
    await this.#promote(existing, priority)
    return { status: existing && (existing.delay > 0 || existing.attemptsMade > 0) ? 'postponed' : 'duplicate' }
  }

  async #promote (job: Job<TranscodeJob> | undefined, priority: number): Promise<void> {
    if (!job || (job.priority ?? 0) <= priority) return
    // The job may have started or completed meanwhile. Then its priority does not matter any more.
    await job.changePriority({ priority }).catch(() => {})
  }
}
