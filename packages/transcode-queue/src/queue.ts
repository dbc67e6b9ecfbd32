import type { DefaultJobOptions, WorkerOptions } from 'bullmq'

/** Name of the queue in Redis. */
export const QUEUE_NAME = 'transcode'

/** Prefix of all Redis keys of this project. */
export const KEY_PREFIX = 'mixtape'

/** Options of every transcode job. */
export const jobOptions: DefaultJobOptions = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 2000, jitter: 0.5 },
  removeOnComplete: true,
  // Operators can look at the last 1000 failed jobs for a month.
  removeOnFail: { age: 30 * 24 * 3600, count: 1000 }
}

/**
 * Options of every BullMQ worker. ffmpeg is a child process and never blocks the worker, so a worker that does not
 * renew its lock for ten seconds is dead or frozen. A job fails after its fourth worker died.
 */
export const workerOptions = {
  prefix: KEY_PREFIX,
  lockDuration: 10_000,
  stalledInterval: 5000,
  maxStalledCount: 3
} satisfies Partial<WorkerOptions>
