import type { Redis } from 'ioredis'
import { KEY_PREFIX } from './queue.ts'

const KEY = `${KEY_PREFIX}:failed-sources`

/** Why one version of a source cannot be transcoded. */
export interface FailedSource {
  /** `Track.version` of the source that was tried. */
  version: string
  reason: string
}

/**
 * Sources that cannot be transcoded, by path, in Redis. They are not enqueued again until they change, so that a broken
 * file does not fail again on every play.
 */
export class FailedSources {
  readonly #redis: Redis

  constructor (redis: Redis) {
    this.#redis = redis
  }

  async get (path: string): Promise<FailedSource | undefined> {
    const value = await this.#redis.hget(KEY, path)
    return value === null ? undefined : JSON.parse(value) as FailedSource
  }

  async record (path: string, failure: FailedSource): Promise<void> {
    await this.#redis.hset(KEY, path, JSON.stringify(failure))
  }
}
