import { transcodeQualities, type TranscodeQuality } from '@mixtape/mp3'
import { KEY_PREFIX, type RedisClient } from '@mixtape/transcode-queue'

const LEVELS = `${KEY_PREFIX}:cache:levels`
const RESERVED = `${KEY_PREFIX}:cache:reserved`
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

/** What a walk over the cache has counted: the files, and the generations of the parts. */
export interface CountedCache {
  byKind: CacheLevels
  parts: string[]
}

/** Bytes of all files and of all reservations. */
const USED = `local function used ()
  local sum = 0
  for _, level in ipairs({ ${levels.map(level => `"${level}"`).join(', ')} }) do
    sum = sum + math.max(tonumber(redis.call("hget", KEYS[1], level .. ":bytes") or 0), 0)
  end
  for _, bytes in ipairs(redis.call("hvals", KEYS[2])) do sum = sum + bytes end
  return sum
end
`

const RESERVE = `${USED}
if ARGV[3] ~= "" then
  if redis.call("exists", KEYS[1]) == 0 then return nil end
  if used() + ARGV[2] > tonumber(ARGV[3]) then return 0 end
end
redis.call("hset", KEYS[2], ARGV[1], ARGV[2])
return 1`

const ADD_FILES = `if ARGV[4] ~= "" then redis.call("hdel", KEYS[2], ARGV[4]) end
if redis.call("exists", KEYS[1]) == 1 then
  redis.call("hincrby", KEYS[1], ARGV[1] .. ":files", ARGV[2])
  redis.call("hincrby", KEYS[1], ARGV[1] .. ":bytes", ARGV[3])
end`

/** Each three arguments are a field, its value before the walk, which is empty where it was not counted, and what was counted. */
const CORRECT = `local counted = redis.call("exists", KEYS[1]) == 1
for i = 1, #ARGV, 3 do
  local now = redis.call("hget", KEYS[1], ARGV[i])
  if not counted then redis.call("hset", KEYS[1], ARGV[i], ARGV[i + 2])
  elseif now and ARGV[i + 1] ~= "" then redis.call("hincrby", KEYS[1], ARGV[i], ARGV[i + 2] - ARGV[i + 1]) end
end`

/**
 * What is in the cache directory, in Redis, so that checking a limit does not need a walk over the directory: the files at
 * each level, and reservations for files that are being written. Eviction and the nightly run correct the numbers.
 */
export class CacheUsage {
  readonly #redis: RedisClient

  constructor (redis: RedisClient) {
    this.#redis = redis
  }

  /** @returns bytes of all files and reservations; undefined where the files were not counted yet */
  async get (): Promise<number | undefined> {
    if (await this.#redis.exists(LEVELS) === 0) return undefined
    return Number(await this.#redis.eval(`${USED} return used()`, 2, LEVELS, RESERVED))
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

  /**
   * Reserves bytes for a file, unless files and reservations would exceed a limit then.
   *
   * @param generation of its part, which must be there already: a walk that does not find it forgets the reservation
   * @param limit in bytes; Infinity for none
   * @returns whether they are reserved; undefined where there is a limit, and the files were not counted yet
   */
  async reserve (generation: string, bytes: number, limit: number): Promise<boolean | undefined> {
    const reserved = await this.#redis.eval(RESERVE, 2, LEVELS, RESERVED, generation, bytes, limit === Infinity ? '' : limit)
    return reserved === null ? undefined : reserved === 1
  }

  /** Forgets a reservation. */
  async release (generation: string): Promise<void> {
    await this.#redis.hdel(RESERVED, generation)
  }

  /** Adds files, or subtracts deleted ones where negative. A cache that was not counted yet stays so. */
  async addFiles (level: CacheLevel, files: number, bytes: number): Promise<void> {
    await this.#redis.eval(ADD_FILES, 2, LEVELS, RESERVED, level, files, bytes, '')
  }

  /** Adds the published file of a part in place of its reservation. */
  async publish (generation: string, level: CacheLevel, files: number, bytes: number): Promise<void> {
    await this.#redis.eval(ADD_FILES, 2, LEVELS, RESERVED, level, files, bytes, generation)
  }

  /** Subtracts deleted files. */
  async subtract (deleted: CacheLevels): Promise<void> {
    for (const level of levels) {
      const { files, bytes } = deleted[level]
      if (files) await this.addFiles(level, -files, -bytes)
    }
  }

  /**
   * Corrects the numbers by what a walk counts. What others add during the walk is added to that, also where the walk has seen it:
   * the size may come out too large, and never too small. Only one walk may run at a time.
   *
   * @returns what the walk returns
   */
  async correct<T extends CountedCache> (walk: () => Promise<T>): Promise<T> {
    const reserved = await this.#redis.hkeys(RESERVED)
    const before = await this.#redis.hgetall(LEVELS)
    const counted = await walk()
    const fields = levels.flatMap(level => (['files', 'bytes'] as const).flatMap(unit => {
      const field = `${level}:${unit}`
      return [field, before[field] ?? '', counted.byKind[level][unit]]
    }))
    await this.#redis.eval(CORRECT, 1, LEVELS, ...fields)
    const parts = new Set(counted.parts)
    const forgotten = reserved.filter(generation => !parts.has(generation)) // of workers that died
    if (forgotten.length > 0) await this.#redis.hdel(RESERVED, ...forgotten)
    return counted
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
