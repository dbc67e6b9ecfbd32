import { QueueEventsProducer } from 'bullmq'
import type { Redis } from 'ioredis'
import { MIXTAPE_CHANGED } from './events.ts'
import { KEY_PREFIX, QUEUE_NAME } from './queue.ts'

const KEY = `${KEY_PREFIX}:mixtapes`

/** A list of tracks that should be ready together. */
export interface Mixtape {
  slug: string
  title?: string
  /** Relative to MUSIC_ROOT, in their order; a path may come twice. */
  tracks: string[]
  /** Who says so: the HTTP interface or a back end, or a file in MIXTAPES_DIR, with which it goes. */
  origin: 'api' | 'folder'
}

/** The mixtapes that are known, in Redis, so that every replica and every worker sees the same. */
export class Mixtapes {
  readonly #redis: Redis
  readonly #events: QueueEventsProducer

  /** @param redis the caller closes it */
  constructor (redis: Redis) {
    this.#redis = redis
    this.#events = new QueueEventsProducer(QUEUE_NAME, {
      connection: redis, prefix: KEY_PREFIX, skipWaitingForReady: true, skipVersionCheck: true
    })
    this.#events.on('error', () => {}) // the connection's own listener has logged it
  }

  /**
   * Remembers a mixtape, and tells those who watch it.
   *
   * @returns whether it is new or different: true to only one of several who say the same at once
   */
  async save (mixtape: Mixtape): Promise<boolean> {
    const value = JSON.stringify(mixtape)
    const results = await this.#redis.multi().hget(KEY, mixtape.slug).hset(KEY, mixtape.slug, value).exec()
    if (results?.[0]?.[1] === value) return false
    await this.#changed(mixtape.slug)
    return true
  }

  /** Forgets a mixtape; what was cached for it stays. @returns whether it was known */
  async remove (slug: string): Promise<boolean> {
    const removed = await this.#redis.hdel(KEY, slug)
    if (removed) await this.#changed(slug)
    return removed === 1
  }

  async get (slug: string): Promise<Mixtape | undefined> {
    const value = await this.#redis.hget(KEY, slug)
    return value === null ? undefined : JSON.parse(value) as Mixtape
  }

  /** Goes over all mixtapes without asking Redis for all of them at once. */
  async * all (): AsyncGenerator<Mixtape> {
    for await (const page of this.#redis.hscanStream(KEY, { count: 100 })) {
      for (let i = 1; i < page.length; i += 2) yield JSON.parse(page[i]) as Mixtape
    }
  }

  async close (): Promise<void> {
    await this.#events.close()
  }

  async #changed (slug: string): Promise<void> {
    await this.#events.publishEvent({ eventName: MIXTAPE_CHANGED, slug })
  }
}
