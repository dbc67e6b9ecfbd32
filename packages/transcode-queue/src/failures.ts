import type { Job, Queue } from 'bullmq'
import type { TranscodeQuality } from '@mixtape/mp3'
import type { RedisClient } from './connection.ts'
import { FailedSources, type FailedSource } from './failed-sources.ts'
import { parseTranscodeJob, type TranscodeJob } from './job.ts'
import type { TranscodeProducer } from './producer.ts'
import { openQueue } from './queue.ts'

/** A job that failed for good. */
export interface FailedJob extends TranscodeJob {
  /** The words of ffmpeg, or of the worker. */
  error: string
  /** Milliseconds since 1970. */
  failedAt: number
  attempts: number
}

/**
 * Failed jobs and failed sources: lists them, and lets an operator retry or dismiss them. Jobs whose data are not valid, which
 * another program has enqueued, are not listed, and go when all are dismissed.
 */
export class Failures {
  readonly #queue: Queue<TranscodeJob>
  readonly #sources: FailedSources
  readonly #producer: TranscodeProducer

  /** @param redis the caller must disconnect it */
  constructor (redis: RedisClient, producer: TranscodeProducer) {
    this.#queue = openQueue(redis)
    this.#sources = new FailedSources(redis)
    this.#producer = producer
  }

  /** @returns the failed jobs, the latest first, of one track or of all, or the latest few; the queue keeps 1000 for a month */
  async jobs ({ path, limit }: { path?: string, limit?: number } = {}): Promise<FailedJob[]> {
    return (await this.#failedJobs(path, limit)).map(({ data, failedReason, finishedOn, attemptsMade }) => ({
      ...data, error: failedReason, failedAt: finishedOn ?? 0, attempts: attemptsMade
    }))
  }

  /** @returns the sources that are not enqueued again until they change; those that were dismissed only where asked for */
  async sources ({ withDismissed = false } = {}): Promise<(FailedSource & { path: string })[]> {
    return await this.#sources.all(withDismissed)
  }

  /** @returns why a source is not enqueued; also when it was dismissed */
  async source (path: string): Promise<FailedSource | undefined> {
    return await this.#sources.get(path)
  }

  /**
   * Forgets failures, and enqueues their jobs again.
   *
   * @param path of one track; undefined for all
   * @param qualities at which a source is enqueued whose failed jobs are not kept any more
   * @returns the number of enqueued jobs, and of tracks
   */
  async retry (path: string | undefined, qualities: TranscodeQuality[]): Promise<{ jobs: number, tracks: number }> {
    const [failed, paths] = await this.#select(path)
    for (const path of paths) await this.#sources.forget(path)
    const jobs = new Map<string, TranscodeJob>()
    for (const { data } of failed) jobs.set(`${data.quality} ${data.path}`, data)
    for (const path of paths) {
      if (failed.some(({ data }) => data.path === path)) continue
      for (const quality of qualities) jobs.set(`${quality} ${path}`, { path, quality, reason: 'mixtape' })
    }
    // Enqueued as new jobs: one that BullMQ retries has no deduplication id any more. First, so that a failure in between loses none.
    for (const job of jobs.values()) await this.#producer.enqueue(job)
    for (const job of failed) await job.remove()
    return { jobs: jobs.size, tracks: paths.size }
  }

  /**
   * Takes failures from the lists. A source that failed stays known to fail until it changes.
   *
   * @param path of one track; undefined for all
   * @returns the number of tracks
   */
  async dismiss (path?: string): Promise<number> {
    const [failed, paths] = await this.#select(path)
    for (const path of paths) await this.#sources.dismiss(path)
    for (const job of path === undefined ? await this.#queue.getFailed() : failed) await job?.remove()
    return paths.size
  }

  async close (): Promise<void> {
    await this.#queue.close()
  }

  /** @returns the failed jobs, and the paths of all tracks that failed */
  async #select (path?: string): Promise<[Job<TranscodeJob>[], Set<string>]> {
    const jobs = await this.#failedJobs(path)
    const sources = path === undefined
      ? (await this.#sources.all()).map(source => source.path)
      : await this.#sources.get(path) ? [path] : []
    return [jobs, new Set([...jobs.map(({ data }) => data.path), ...sources])]
  }

  async #failedJobs (path?: string, limit?: number): Promise<Job<TranscodeJob>[]> {
    const jobs = await this.#queue.getFailed(0, limit === undefined ? -1 : limit - 1)
    return jobs.filter(job => job !== undefined && isValid(job) && (path === undefined || job.data.path === path))
  }
}

function isValid ({ data }: Job): boolean {
  try {
    parseTranscodeJob(data)
    return true
  } catch {
    return false
  }
}
