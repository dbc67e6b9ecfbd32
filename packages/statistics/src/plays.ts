import type { TranscodeQuality } from '@mixtape/mp3'
import { KEY_PREFIX, redisClock, type RedisClient } from '@mixtape/transcode-queue'

const POPULARITY = `${KEY_PREFIX}:plays`
const LAST_PLAYED = `${KEY_PREFIX}:last-played`
const BY_QUALITY = `${KEY_PREFIX}:plays-by-quality`
const HALF_LIFE_MS = 30 * 24 * 3600 * 1000
const EPOCH = Date.UTC(2026, 0, 1)

/** Number of tracks whose popularity is kept; the least popular are dropped. */
const MAX_TRACKS = 10_000

/**
 * What was played, in Redis: how popular each track and each quality is, and when each cached file was played last.
 *
 * A play loses half of its weight every 30 days. Instead of lowering all old counts, each new play adds a larger number
 * than the ones before: the order is the same. Doubling every 30 days, the numbers fit a double for about 80 years.
 */
export class Plays {
  readonly #redis: RedisClient

  constructor (redis: RedisClient) {
    this.#redis = redis
  }

  /** @param starts how often each track was started, by its path */
  async countTracks (starts: Map<string, number>): Promise<void> {
    const commands = this.#redis.multi()
    for (const [path, times] of starts) commands.zincrby(POPULARITY, times * weight(), path)
    await commands.zremrangebyrank(POPULARITY, 0, -MAX_TRACKS - 1).exec()
  }

  /** @param starts how often a transcode was started, by its quality */
  async countQualities (starts: Map<TranscodeQuality, number>): Promise<void> {
    const commands = this.#redis.multi()
    for (const [quality, times] of starts) commands.hincrbyfloat(BY_QUALITY, quality, times * weight())
    await commands.exec()
  }

  /** @returns the time by which lastPlayed() goes, in milliseconds since 1970 */
  async now (): Promise<number> {
    return (await redisClock(this.#redis)).now
  }

  /** Records that cached files are played now, by their paths relative to the cache directory. */
  async touch (cachedPaths: Iterable<string>): Promise<void> {
    const now = await this.now()
    await this.#redis.zadd(LAST_PLAYED, ...[...cachedPaths].flatMap(path => [now, path]))
  }

  /** @returns paths of tracks, most popular first */
  async popular (limit: number): Promise<string[]> {
    return limit === 0 ? [] : await this.#redis.zrevrange(POPULARITY, 0, limit - 1)
  }

  /** @returns when each cached file was played last, in milliseconds since 1970; undefined for never */
  async lastPlayed (cachedPaths: string[]): Promise<(number | undefined)[]> {
    if (cachedPaths.length === 0) return []
    const scores = await this.#redis.zmscore(LAST_PLAYED, ...cachedPaths)
    return scores.map(score => score === null ? undefined : Number(score))
  }

  /** Drops the last plays of cached files that were deleted. */
  async forget (cachedPaths: string[]): Promise<void> {
    for (let start = 0; start < cachedPaths.length; start += 1000) {
      await this.#redis.zrem(LAST_PLAYED, ...cachedPaths.slice(start, start + 1000))
    }
  }

  /** @returns the qualities, least popular first */
  async leastPlayedQualities (qualities: TranscodeQuality[]): Promise<TranscodeQuality[]> {
    const plays = await this.#redis.hgetall(BY_QUALITY)
    return qualities.toSorted((a, b) => Number(plays[a] ?? 0) - Number(plays[b] ?? 0))
  }
}

function weight (): number {
  return 2 ** ((Date.now() - EPOCH) / HALF_LIFE_MS)
}
