import { QueueEventsProducer } from 'bullmq'
import { KEY_PREFIX, MIXTAPE_CHANGED, QUEUE_NAME, type RedisClient } from '@mixtape/transcode-queue'

const KEY = `${KEY_PREFIX}:mixtapes`

/** A list of tracks that should be cached together. */
export interface Mixtape {
  slug: string
  title?: string
  /** Paths relative to MUSIC_ROOT, in order. A path may occur more than once. */
  tracks: string[]
  /** `api`: saved by a client. `folder`: read from a file in MIXTAPES_DIR, and removed when the file is. */
  origin: 'api' | 'folder'
}

/** The known mixtapes, in Redis, so that all replicas and workers see the same. */
export class MixtapeRegistry {
  readonly #redis: RedisClient
  readonly #events: QueueEventsProducer

  /** @param redis the caller must disconnect it */
  constructor (redis: RedisClient) {
    this.#redis = redis
    this.#events = new QueueEventsProducer(QUEUE_NAME, {
      connection: redis, prefix: KEY_PREFIX, skipWaitingForReady: true, skipVersionCheck: true
    })
    this.#events.on('error', () => {}) // the connection logs its errors itself
  }

  /**
   * Saves a mixtape, and publishes an event where it is new or changed.
   *
   * @returns whether it is new or changed; of concurrent calls with the same mixtape only one gets true
   */
  async save (mixtape: Mixtape): Promise<boolean> {
    const value = JSON.stringify(mixtape)
    const results = await this.#redis.multi().hget(KEY, mixtape.slug).hset(KEY, mixtape.slug, value).exec()
    if (results?.[0]?.[1] === value) return false
    await this.#publishChange(mixtape.slug)
    return true
  }

  /**
   * Removes a mixtape. Its cached files stay.
   *
   * @returns whether it was known
   */
  async remove (slug: string): Promise<boolean> {
    const removed = await this.#redis.hdel(KEY, slug)
    if (removed) await this.#publishChange(slug)
    return removed === 1
  }

  async get (slug: string): Promise<Mixtape | undefined> {
    const value = await this.#redis.hget(KEY, slug)
    return value === null ? undefined : JSON.parse(value) as Mixtape
  }

  /** Iterates over all mixtapes, and loads about 100 at a time. */
  async * all (): AsyncGenerator<Mixtape> {
    const seen = new Set<string>() // HSCAN may return a field twice
    for await (const page of this.#redis.hscanStream(KEY, { count: 100 })) {
      for (let i = 0; i < page.length; i += 2) {
        if (!seen.has(page[i])) yield JSON.parse(page[i + 1]) as Mixtape
        seen.add(page[i])
      }
    }
  }

  async close (): Promise<void> {
    await this.#events.close()
  }

  async #publishChange (slug: string): Promise<void> {
    await this.#events.publishEvent({ eventName: MIXTAPE_CHANGED, slug })
  }
}
