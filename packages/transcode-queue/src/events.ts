import { QueueEvents } from 'bullmq'
import type { Redis } from 'ioredis'
import { KEY_PREFIX, QUEUE_NAME } from './queue.ts'

export const MIXTAPE_CHANGED = 'mixtape'

/** Something changed: a job on one track at one quality, by its deduplication id, or a mixtape, by its slug. */
export type Change = { job: string } | { mixtape: string }

/** What happens in the queue, whoever makes it happen, for those who watch. */
export class TranscodeEvents {
  readonly #events: QueueEvents
  readonly #redis: Redis
  readonly #listeners = new Set<(change: Change) => void>()

  /** @param redis a connection that waits, and serves nothing else from now on; it is closed with this */
  constructor (redis: Redis) {
    this.#redis = redis
    // QueueEvents would take a copy, and could not close it while Redis is away.
    const connection = Object.assign(redis, { duplicate: () => redis })
    this.#events = new QueueEvents(QUEUE_NAME, { connection, prefix: KEY_PREFIX })
    this.#events.on('error', () => {}) // the connection's own listener has logged it
    const onJob = ({ jobId }: { jobId: string }) => { this.#tell({ job: jobId.slice(0, 64) }) }
    for (const name of ['added', 'active', 'progress', 'completed', 'failed', 'waiting', 'delayed'] as const) {
      this.#events.on(name, onJob)
    }
    this.#events.on<never>(MIXTAPE_CHANGED as never, (({ slug }: { slug: string }) => {
      this.#tell({ mixtape: slug })
    }) as never)
  }

  /** @returns how to stop listening */
  listen (listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  close (): void {
    this.#redis.disconnect()
    this.#events.close().catch(() => {}) // not awaited: where Redis was never there, it waits for it
  }

  #tell (change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }
}
