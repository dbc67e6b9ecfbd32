import { Queue, type DefaultJobOptions, type WorkerOptions } from 'bullmq'
import type { RedisClient } from './connection.ts'
import type { TranscodeJob } from './job.ts'

/** Name of the queue in Redis. */
export const QUEUE_NAME = 'transcode'

/**
 * Prefix of all Redis keys of this project. In braces it is a hash tag: a Redis Cluster keeps all keys in one slot, as BullMQ
 * and transactions need it.
 */
export const KEY_PREFIX = '{mixtape}'

/** Options of every transcode job. */
const jobOptions: DefaultJobOptions = {
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

/**
 * Opens the queue without waiting for Redis.
 *
 * @param redis the caller must disconnect it
 */
export function openQueue (redis: RedisClient): Queue<TranscodeJob> {
  const queue = new Queue<TranscodeJob>(QUEUE_NAME, {
    connection: redis, prefix: KEY_PREFIX, defaultJobOptions: jobOptions, skipWaitingForReady: true, skipVersionCheck: true
  })
  queue.on('error', () => {}) // the connection logs its errors itself
  return queue
}
