import type { Job, Queue } from 'bullmq'
import type { RedisClient } from './connection.ts'
import { deduplicationId, type TranscodeJob } from './job.ts'
import { laneOf, lanes, priorities, type Lane } from './priorities.ts'
import { openQueue } from './queue.ts'

/** What waits and runs. */
export interface QueueState {
  isPaused: boolean
  /** Waiting jobs by lane, and when the next job of each was added, in milliseconds since 1970. */
  waiting: Record<Lane, { jobs: number, nextSince: number | undefined }>
  /** Jobs that wait for their next attempt, for space, or for another worker. */
  delayed: number
  running: number
  failed: number
}

/** A running job. */
export interface RunningJob extends TranscodeJob {
  percent: number
  /** Milliseconds since 1970. */
  startedAt: number
  attempt: number
  /** Id of its worker, as in its heartbeat. */
  worker: string | undefined
}

/** The job of one track at one quality. Times are in milliseconds since 1970. */
export type TrackJob =
  | { state: 'waiting', lane: Lane, place: number, since: number }
  | { state: 'delayed', lane: Lane, nextAttemptAt: number, attemptsMade: number, lastError: string | undefined, since: number }
  | { state: 'running', lane: Lane } & Omit<RunningJob, keyof TranscodeJob>

/** Shows what waits and runs, and pauses the queue. */
export class QueueMonitor {
  readonly #queue: Queue<TranscodeJob>
  readonly #redis: RedisClient

  /** @param redis the caller must disconnect it */
  constructor (redis: RedisClient) {
    this.#redis = redis
    this.#queue = openQueue(redis)
  }

  async state (): Promise<QueueState> {
    const [isPaused, { delayed = 0, active = 0, failed = 0 }, counts] = await Promise.all([
      this.#queue.isPaused(),
      this.#queue.getJobCounts('delayed', 'active', 'failed'),
      this.#queue.getCountsPerPriority(lanes.map(lane => priorities[lane]))
    ])
    // Jobs are sorted by lane, so the first of a lane follows the jobs of all lanes before it.
    let position = 0
    const waiting = await Promise.all(lanes.map(async lane => {
      const jobs = counts[`${priorities[lane]}`] ?? 0
      const first = position
      position += jobs
      const [next] = jobs ? await this.#queue.getJobs(['prioritized'], first, first, true) : []
      return [lane, { jobs, nextSince: next?.timestamp }]
    }))
    return { isPaused, waiting: Object.fromEntries(waiting) as QueueState['waiting'], delayed, running: active, failed }
  }

  /** @returns the running jobs, those that started first at first */
  async running (): Promise<RunningJob[]> {
    const jobs = await this.#queue.getActive()
    return jobs.filter(job => job !== undefined)
      .map(job => ({ ...job.data, ...progressOf(job) })).sort((a, b) => a.startedAt - b.startedAt)
  }

  /** @returns undefined where the job is completed, has failed, or was never enqueued */
  async job (track: Pick<TranscodeJob, 'path' | 'quality'>): Promise<TrackJob | undefined> {
    const id = await this.#queue.getDeduplicationJobId(deduplicationId(track))
    const job = id ? await this.#queue.getJob(id) : undefined
    if (!id || !job) return undefined
    const lane = laneOf(job.priority ?? 0)
    const state = await job.getState()
    if (state === 'active') return { state: 'running', lane, ...progressOf(job) }
    if (state === 'delayed') {
      const { attemptsMade, timestamp: since, failedReason: lastError } = job
      const nextAttemptAt = await this.#delayedUntil(id)
      return { state: 'delayed', lane, nextAttemptAt, attemptsMade, lastError, since }
    }
    if (state !== 'prioritized' && state !== 'waiting') return undefined
    const rank = await this.#redis.zrank(this.#queue.toKey('prioritized'), id)
    return { state: 'waiting', lane, place: (rank ?? 0) + 1, since: job.timestamp }
  }

  /** Workers finish what they run, and take no more jobs. */
  async pause (): Promise<void> {
    await this.#queue.pause()
  }

  async resume (): Promise<void> {
    await this.#queue.resume()
  }

  async close (): Promise<void> {
    await this.#queue.close()
  }

  /** BullMQ's score of a delayed job is its time in milliseconds times 4096. */
  async #delayedUntil (id: string): Promise<number> {
    const score = await this.#redis.zscore(this.#queue.toKey('delayed'), id)
    return Math.floor(Number(score ?? 0) / 0x1000)
  }
}

function progressOf ({ progress, processedOn, timestamp, attemptsMade, processedBy }: Job): Omit<RunningJob, keyof TranscodeJob> {
  return {
    percent: typeof progress === 'number' ? progress : 0,
    startedAt: processedOn ?? timestamp,
    attempt: attemptsMade + 1,
    worker: processedBy
  }
}
