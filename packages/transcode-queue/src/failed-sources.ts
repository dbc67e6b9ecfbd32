import type { RedisClient } from './connection.ts'
import { KEY_PREFIX } from './queue.ts'

const KEY = `${KEY_PREFIX}:failed-sources`

/** Most sources that all() returns. */
const MAX_LISTED = 1000

/** Why one version of a source cannot be transcoded. */
export interface FailedSource {
  /** `Track.version` of the source that was tried. */
  version: string
  reason: string
  /** When it failed, in milliseconds since 1970. Version 0.7 did not record it. */
  since?: number
  /** An operator has taken it from the list of failures. It is still not enqueued again. */
  dismissed?: boolean
}

/**
 * Sources that cannot be transcoded, by path, in Redis. They are not enqueued again until they change, so that a broken
 * file does not fail again on every play.
 */
export class FailedSources {
  readonly #redis: RedisClient

  constructor (redis: RedisClient) {
    this.#redis = redis
  }

  async get (path: string): Promise<FailedSource | undefined> {
    const value = await this.#redis.hget(KEY, path)
    return value === null ? undefined : JSON.parse(value) as FailedSource
  }

  async record (path: string, { version, reason }: Pick<FailedSource, 'version' | 'reason'>): Promise<void> {
    await this.#redis.hset(KEY, path, JSON.stringify({ version, reason, since: Date.now() }))
  }

  /**
   * @param withDismissed whether it returns those that an operator has dismissed, too
   * @returns the failures, the latest first, 1000 at most
   */
  async all (withDismissed = false): Promise<(FailedSource & { path: string })[]> {
    const sources = new Map<string, FailedSource & { path: string }>() // HSCAN may return a field twice
    for await (const page of this.#redis.hscanStream(KEY, { count: 1000 })) {
      for (let i = 0; i < page.length; i += 2) {
        const source = JSON.parse(page[i + 1]) as FailedSource
        if (withDismissed || !source.dismissed) sources.set(page[i], { path: page[i], ...source })
      }
    }
    return [...sources.values()].sort((a, b) => (b.since ?? 0) - (a.since ?? 0)).slice(0, MAX_LISTED)
  }

  /** Takes a source from the list of failures. It stays known to fail until it changes. */
  async dismiss (path: string): Promise<void> {
    const source = await this.get(path)
    if (source) await this.#redis.hset(KEY, path, JSON.stringify({ ...source, dismissed: true }))
  }

  /** Lets a source be enqueued again. */
  async forget (path: string): Promise<void> {
    await this.#redis.hdel(KEY, path)
  }
}
