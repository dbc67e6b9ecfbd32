import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { KEY_PREFIX } from './queue.ts'

/** The queue of what lists work, apart from the queue of the work. */
export const MAINTENANCE_QUEUE = 'maintenance'

/** Over all mixtapes; over the most played tracks; over one mixtape that a back end has saved. */
export type MaintenanceJob = 'nightly' | 'warm' | 'mixtape'

export interface MaintenanceData {
  /** Of the mixtape, for a job of that name. */
  slug?: string
}

const jobOptions = { attempts: 10, backoff: { type: 'exponential', delay: 5000 }, removeOnComplete: true, removeOnFail: 100 }

/** Asks for maintenance, now or by the clock. However many ask for the same, it runs once. */
export class Maintenance {
  readonly #queue: Queue<MaintenanceData, void, MaintenanceJob>

  /** @param redis the caller closes it */
  constructor (redis: Redis) {
    this.#queue = new Queue(MAINTENANCE_QUEUE, {
      connection: redis, prefix: KEY_PREFIX, skipWaitingForReady: true, skipVersionCheck: true, defaultJobOptions: jobOptions
    })
    this.#queue.on('error', () => {}) // the connection's own listener has logged it
  }

  /** Sets the clock; the last word counts. */
  async schedule (job: MaintenanceJob, cron: string): Promise<void> {
    await this.#queue.upsertJobScheduler(job, { pattern: cron }, { name: job, data: {}, opts: jobOptions })
  }

  /** Asks for a run now. Replicas that start within the same minute ask once. */
  async run (job: 'nightly' | 'warm'): Promise<void> {
    await this.#queue.add(job, {}, { deduplication: { id: job, ttl: 60_000 } })
  }

  /** Asks for the work of one mixtape to be listed, by whoever has the library. */
  async precacheMixtape (slug: string): Promise<void> {
    await this.#queue.add('mixtape', { slug }, { deduplication: { id: `mixtape-${slug}` } })
  }

  async close (): Promise<void> {
    await this.#queue.close()
  }
}
