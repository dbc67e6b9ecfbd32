import type { Redis } from 'ioredis'
import { KEY_PREFIX } from './queue.ts'

const KEY = `${KEY_PREFIX}:failed-sources`

/** Why a source cannot be transcoded, valid for the version of it that was tried. */
export interface FailedSource {
  version: string
  reason: string
}

/** Sources that no retry will help, by path, until they change: what keeps one broken file from failing on every play. */
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

  async forget (path: string): Promise<void> {
    await this.#redis.hdel(KEY, path)
  }
}
