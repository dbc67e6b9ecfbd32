import { hash } from 'node:crypto'
import { Queue } from 'bullmq'
import type { TranscodeQuality } from '@mixtape/mp3'
import { KEY_PREFIX, type RedisClient } from '@mixtape/transcode-queue'

/** Name of the queue whose jobs find out what is to be transcoded. It is separate from the queue of the transcodes. */
export const MAINTENANCE_QUEUE = 'maintenance'

/**
 * `nightly`: remove old files and orphans, precache all mixtapes. `warm`: precache the most popular tracks. `mixtape`:
 * precache one mixtape. `folder`: precache all tracks below a folder, or one track.
 */
export type MaintenanceJob = 'nightly' | 'warm' | 'mixtape' | 'folder'

export interface MaintenanceData {
  /** Slug of the mixtape, for a job of that name. */
  slug?: string
  /** Of a folder or a track, relative to the library, for a job of that name. */
  path?: string
  /** Those of AUDIO_CACHE_PRECACHE_QUALITIES by default. */
  qualities?: TranscodeQuality[]
}

const jobOptions = { attempts: 10, backoff: { type: 'exponential', delay: 5000 }, removeOnComplete: true, removeOnFail: 100 }

/** Adds maintenance jobs, now or on a schedule. The same job that is added by many runs once. */
export class MaintenanceQueue {
  readonly #queue: Queue<MaintenanceData, void, MaintenanceJob>

  /** @param redis the caller must disconnect it */
  constructor (redis: RedisClient) {
    this.#queue = new Queue(MAINTENANCE_QUEUE, {
      connection: redis, prefix: KEY_PREFIX, skipWaitingForReady: true, skipVersionCheck: true, defaultJobOptions: jobOptions
    })
    this.#queue.on('error', () => {}) // the connection logs its errors itself
  }

  /** Sets the schedule of a job as a cron expression. It replaces an earlier schedule. */
  async schedule (job: MaintenanceJob, cron: string): Promise<void> {
    await this.#queue.upsertJobScheduler(job, { pattern: cron }, { name: job, data: {}, opts: jobOptions })
  }

  /** Adds a job that runs now. Calls within one minute add one job. */
  async run (job: 'nightly' | 'warm'): Promise<void> {
    await this.#queue.add(job, {}, { deduplication: { id: job, ttl: 60_000 } })
  }

  /** Asks a worker to enqueue what the tracks of a saved mixtape lack. A call while that job runs makes it run once more. */
  async precacheMixtape (slug: string, qualities?: TranscodeQuality[]): Promise<void> {
    await this.#queue.add('mixtape', { slug, qualities }, { deduplication: { id: `mixtape-${slug}-${qualities ?? ''}`, keepLastIfActive: true } })
  }

  /** Asks a worker to enqueue what the tracks below a folder lack, or one track. */
  async precacheFolder (path: string, qualities: TranscodeQuality[]): Promise<void> {
    const id = hash('sha256', `${qualities}\0${path}`) // BullMQ forbids colons in ids
    await this.#queue.add('folder', { path, qualities }, { deduplication: { id: `folder-${id}`, keepLastIfActive: true } })
  }

  async close (): Promise<void> {
    await this.#queue.close()
  }
}
