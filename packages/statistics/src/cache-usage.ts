import { KEY_PREFIX, type RedisClient } from '@mixtape/transcode-queue'

const BYTES = `${KEY_PREFIX}:cache:bytes`
const FULL = `${KEY_PREFIX}:cache:full`
const EVICTED = `${KEY_PREFIX}:cache:evicted`

/** Seconds for which markFull() holds. A job that waits for space marks it again sooner. */
const FULL_TTL = 90

/** Why cached files are removed: AUDIO_CACHE_MAX_SIZE, AUDIO_CACHE_MIN_FREE, AUDIO_CACHE_MAX_AGE_DAYS, or no source. */
export type RemovalReason = 'size' | 'free' | 'age' | 'orphan'

/**
 * Bytes in the cache directory, in Redis, so that checking a limit does not need a walk over the directory. Eviction
 * and the nightly run correct the number.
 */
export class CacheUsage {
  readonly #redis: RedisClient

  constructor (redis: RedisClient) {
    this.#redis = redis
  }

  /** @returns bytes; undefined where the cache was not counted yet */
  async get (): Promise<number | undefined> {
    const bytes = await this.#redis.get(BYTES)
    return bytes === null ? undefined : Number(bytes)
  }

  async set (bytes: number): Promise<void> {
    await this.#redis.set(BYTES, bytes)
  }

  /** Adds bytes, or subtracts them where negative. A cache that was not counted yet stays so. */
  async add (bytes: number): Promise<void> {
    const script = 'if redis.call("exists", KEYS[1]) == 1 then redis.call("incrby", KEYS[1], ARGV[1]) end'
    await this.#redis.eval(script, 1, BYTES, bytes)
  }

  async countRemoved (reason: RemovalReason, files: number): Promise<void> {
    if (files) await this.#redis.hincrby(EVICTED, reason, files)
  }

  /** @returns the number of files removed since the first start, by reason */
  async removed (): Promise<Record<RemovalReason, number>> {
    const counts = await this.#redis.hgetall(EVICTED)
    const reasons: RemovalReason[] = ['size', 'free', 'age', 'orphan']
    return Object.fromEntries(reasons.map(reason => [reason, Number(counts[reason] ?? 0)])) as Record<RemovalReason, number>
  }

  /** Records that jobs wait for space. It expires after 90 seconds. */
  async markFull (reason: string): Promise<void> {
    await this.#redis.set(FULL, reason, 'EX', FULL_TTL)
  }

  async unmarkFull (): Promise<void> {
    await this.#redis.del(FULL)
  }

  /** @returns why jobs wait for space; undefined where none do */
  async fullReason (): Promise<string | undefined> {
    return await this.#redis.get(FULL) ?? undefined
  }
}
