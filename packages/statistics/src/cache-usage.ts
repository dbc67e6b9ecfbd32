import { transcodeQualities, type TranscodeQuality } from '@mixtape/mp3'
import { KEY_PREFIX, type RedisClient } from '@mixtape/transcode-queue'

const BYTES = `${KEY_PREFIX}:cache:bytes`
const LEVELS = `${KEY_PREFIX}:cache:levels`
const FULL = `${KEY_PREFIX}:cache:full`
const EVICTED = `${KEY_PREFIX}:cache:evicted`

/** Seconds for which markFull() holds. A job that waits for space marks it again sooner. */
const FULL_TTL = 90

/** Why cached files are removed: AUDIO_CACHE_MAX_SIZE, AUDIO_CACHE_MIN_FREE, AUDIO_CACHE_MAX_AGE_DAYS, or no source. */
export type RemovalReason = 'size' | 'free' | 'age' | 'orphan'

/** What cached files are. */
const levels = [...transcodeQualities, 'cover'] as const
export type CacheLevel = TranscodeQuality | 'cover'

/** Number and bytes of the cached files at each level. */
export type CacheLevels = Record<CacheLevel, { files: number, bytes: number }>

/**
 * Bytes in the cache directory, in Redis, so that checking a limit does not need a walk over the directory; and the files at
 * each level, for the operator. Eviction and the nightly run correct the numbers.
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

  /** Corrects all numbers by what a walk has counted. */
  async set (counted: CacheLevels): Promise<void> {
    const fields = levels.flatMap(level => [`${level}:files`, counted[level].files, `${level}:bytes`, counted[level].bytes])
    const bytes = levels.reduce((sum, level) => sum + counted[level].bytes, 0)
    await this.#redis.multi().set(BYTES, bytes).hset(LEVELS, ...fields).exec()
  }

  /** @returns the files that are published, without those that are being written; undefined where they were not counted yet */
  async levels (): Promise<CacheLevels | undefined> {
    const fields = await this.#redis.hgetall(LEVELS)
    if (Object.keys(fields).length === 0) return undefined
    const number = (name: string) => Math.max(Number(fields[name] ?? 0), 0)
    return Object.fromEntries(levels.map(level => [
      level, { files: number(`${level}:files`), bytes: number(`${level}:bytes`) }
    ])) as CacheLevels
  }

  /** Adds bytes, or subtracts them where negative. A cache that was not counted yet stays so. */
  async add (bytes: number): Promise<void> {
    const script = 'if redis.call("exists", KEYS[1]) == 1 then redis.call("incrby", KEYS[1], ARGV[1]) end'
    await this.#redis.eval(script, 1, BYTES, bytes)
  }

  /** Adds published files, or subtracts deleted ones where negative; get() does not change. A cache that was not counted yet stays so. */
  async addFiles (level: CacheLevel, files: number, bytes: number): Promise<void> {
    const script = 'if redis.call("exists", KEYS[1]) == 1 then redis.call("hincrby", KEYS[1], ARGV[1], ARGV[2]) ' +
      'redis.call("hincrby", KEYS[1], ARGV[3], ARGV[4]) end'
    await this.#redis.eval(script, 1, LEVELS, `${level}:files`, files, `${level}:bytes`, bytes)
  }

  /** Subtracts deleted files. */
  async subtract (deleted: CacheLevels): Promise<void> {
    await this.add(-levels.reduce((sum, level) => sum + deleted[level].bytes, 0))
    for (const level of levels) {
      const { files, bytes } = deleted[level]
      if (files) await this.addFiles(level, -files, -bytes)
    }
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
