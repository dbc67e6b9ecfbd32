import { QueueEvents } from 'bullmq'
import type { RedisClient } from './connection.ts'
import { deduplicationIdOf } from './job.ts'
import { KEY_PREFIX, QUEUE_NAME } from './queue.ts'

/** Name of the event that the mixtape registry adds to the queue's own events. */
export const MIXTAPE_CHANGED = 'mixtape'

/** A change of a job, given by its deduplication id, or of a mixtape, given by its slug. */
export type Change = { job: string } | { mixtape: string }

/** The events of the queue, from all services, for code in this process. The first ones may be old, and may be told again. */
export class TranscodeEvents {
  readonly #events: QueueEvents
  readonly #redis: RedisClient
  readonly #listeners = new Set<(change: Change) => void>()

  /** @param redis from workerConnection(), used for nothing else; close() disconnects it */
  constructor (redis: RedisClient) {
    this.#redis = redis
    // QueueEvents would connect a duplicate, and could not close it while Redis is away.
    const connection = Object.assign(redis, { duplicate: () => redis })
    // From the oldest event that Redis keeps. By default BullMQ starts with those after its first command, and repeats that command
    // every ten seconds: an event in between would be lost, and a stream that waits for it would never end.
    this.#events = new QueueEvents(QUEUE_NAME, { connection, prefix: KEY_PREFIX, lastEventId: '0' })
    this.#events.on('error', () => {}) // the connection logs its errors itself
    const onJob = ({ jobId }: { jobId: string }) => { this.#emit({ job: deduplicationIdOf(jobId) }) }
    for (const name of ['added', 'active', 'progress', 'completed', 'failed', 'waiting', 'delayed'] as const) {
      this.#events.on(name, onJob)
    }
    this.#events.on<never>(MIXTAPE_CHANGED as never, (({ slug }: { slug: string }) => {
      this.#emit({ mixtape: slug })
    }) as never)
  }

  /** @returns a function that removes the listener */
  listen (listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  close (): void {
    this.#redis.disconnect()
    this.#events.close().catch(() => {}) // not awaited: it would wait for a Redis that was never there
  }

  #emit (change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }
}
