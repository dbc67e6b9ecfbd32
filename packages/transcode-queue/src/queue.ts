import type { DefaultJobOptions, WorkerOptions } from 'bullmq'

/** The queue's name in Redis, and the prefix of every key of ours. */
export const QUEUE_NAME = 'transcode'
export const KEY_PREFIX = 'mixtape'

export const jobOptions: DefaultJobOptions = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 2000, jitter: 0.5 },
  removeOnComplete: true,
  // What failed stays visible to ops for a month.
  removeOnFail: { age: 30 * 24 * 3600, count: 1000 }
}

/**
 * The encoder is a child process, so a worker that does not renew its lock within ten seconds is dead or frozen; one
 * death is no reason to give up a job, four in a row are.
 */
export const workerOptions = {
  prefix: KEY_PREFIX,
  lockDuration: 10_000,
  stalledInterval: 5000,
  maxStalledCount: 3
} satisfies Partial<WorkerOptions>
