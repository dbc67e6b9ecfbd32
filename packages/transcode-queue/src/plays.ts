import type { Redis } from 'ioredis'
import type { TranscodeQuality } from '@mixtape/audio-cache'
import { KEY_PREFIX } from './queue.ts'

const POPULARITY = `${KEY_PREFIX}:plays`
const LAST_PLAYED = `${KEY_PREFIX}:last-played`
const BY_QUALITY = `${KEY_PREFIX}:plays-by-quality`
const HALF_LIFE_MS = 30 * 24 * 3600 * 1000
const EPOCH = Date.UTC(2026, 0, 1)
/** Tracks that are remembered; the least played go. */
const KEPT = 10_000

/**
 * How often tracks are played. A play counts half as much after a month: instead of shrinking every old count, each new
 * play adds more than the one before, which leaves the same order, and lasts for about 80 years of doublings.
 */
export class Plays {
  readonly #redis: Redis

  constructor (redis: Redis) {
    this.#redis = redis
  }

  /** Counts the starts of tracks, by path. */
  async count (starts: Map<string, number>): Promise<void> {
    const commands = this.#redis.multi()
    for (const [path, times] of starts) commands.zincrby(POPULARITY, times * weight(), path)
    await commands.zremrangebyrank(POPULARITY, 0, -KEPT - 1).exec()
  }

  /** Counts the starts of transcodes, by quality. */
  async countQualities (starts: Map<TranscodeQuality, number>): Promise<void> {
    const commands = this.#redis.multi()
    for (const [quality, times] of starts) commands.hincrbyfloat(BY_QUALITY, quality, times * weight())
    await commands.exec()
  }

  /** Remembers that cached files are being listened to, by their paths relative to the cache directory. */
  async touch (cachedPaths: Iterable<string>): Promise<void> {
    const now = Date.now()
    await this.#redis.zadd(LAST_PLAYED, ...[...cachedPaths].flatMap(path => [now, path]))
  }

  /** @returns paths, most played first */
  async popular (limit: number): Promise<string[]> {
    return limit === 0 ? [] : await this.#redis.zrevrange(POPULARITY, 0, limit - 1)
  }

  /** @returns for each cached file when it was last listened to, in milliseconds since 1970, if it ever was */
  async lastPlayed (cachedPaths: string[]): Promise<(number | undefined)[]> {
    if (cachedPaths.length === 0) return []
    const scores = await this.#redis.zmscore(LAST_PLAYED, ...cachedPaths)
    return scores.map(score => score === null ? undefined : Number(score))
  }

  /** Forgets files that are gone. */
  async forget (cachedPaths: string[]): Promise<void> {
    for (let at = 0; at < cachedPaths.length; at += 1000) {
      await this.#redis.zrem(LAST_PLAYED, ...cachedPaths.slice(at, at + 1000))
    }
  }

  /** @returns levels, least played first */
  async leastPlayedQualities (levels: TranscodeQuality[]): Promise<TranscodeQuality[]> {
    const plays = await this.#redis.hgetall(BY_QUALITY)
    return levels.toSorted((a, b) => Number(plays[a] ?? 0) - Number(plays[b] ?? 0))
  }
}

function weight (): number {
  return 2 ** ((Date.now() - EPOCH) / HALF_LIFE_MS)
}
