import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { cachedPaths, transcodeQualities, type AudioCache, type Candidate, type Rank } from '@mixtape/audio-cache'
import type { Config } from '@mixtape/config'
import { withLock, type CacheUsage, type EvictionReason, type Mixtapes, type Plays } from '@mixtape/transcode-queue'

/** Evicting a little more than asked for, as a part of the limit, spares a walk for each file that follows. */
const HEADROOM = 0.01

/** There is no room for another file, and nothing may go for it. */
export class NoRoomError extends Error {}

export interface RoomOptions {
  config: Config
  cache: AudioCache
  usage: CacheUsage
  plays: Plays
  mixtapes: Mixtapes
  redis: Redis
  log: Logger
}

/** Keeps the cache within its limits: its own size, and what it has to leave free on the file system. */
export function createRoom ({ config, cache, usage, plays, mixtapes, redis, log }: RoomOptions) {
  const maxSize = config.AUDIO_CACHE_MAX_SIZE ?? Infinity

  return {
    /**
     * Makes room for a file before it is written, and counts it as if it were there.
     *
     * @throws {NoRoomError} where all that is cached is protected, or others fill the disk
     */
    async reserve (bytes: number): Promise<void> {
      if ((await lacking(bytes)).bytes > 0) await withLock(redis, 'evict', () => makeRoom(bytes))
      await usage.add(bytes)
    },

    /** Takes back what was reserved for a file that was not written, or that replaced another. */
    async release (bytes: number): Promise<void> {
      if (bytes) await usage.add(-bytes)
    }
  }

  /** What has to go for `bytes` more, and which of the two limits says so. */
  async function lacking (bytes: number): Promise<{ bytes: number, reason: EvictionReason }> {
    const free = config.AUDIO_CACHE_MIN_FREE + bytes - await cache.freeBytes()
    if (maxSize === Infinity) return { bytes: free, reason: 'free' }
    const used = await usage.get() ?? await recount()
    const over = used + bytes - maxSize
    return over > free ? { bytes: over, reason: 'size' } : { bytes: free, reason: 'free' }
  }

  async function recount (): Promise<number> {
    const { bytes } = await cache.stats()
    await usage.set(bytes)
    return bytes
  }

  async function makeRoom (bytes: number): Promise<void> {
    const lack = await lacking(bytes) // asked again: whoever had the lock before may have made enough
    if (lack.bytes <= 0) return
    const spare = maxSize === Infinity ? 0 : maxSize * HEADROOM
    const removed = await cache.evict(lack.bytes + spare, await ranking())
    await usage.set(removed.before - removed.bytes)
    await usage.evicted(lack.reason, removed.files)
    await plays.forget(removed.paths)
    if (removed.files) log.info({ files: removed.files, bytes: removed.bytes, reason: lack.reason }, 'Evicted')
    const still = await lacking(bytes)
    if (still.bytes > 0) {
      throw new NoRoomError(still.reason === 'size'
        ? `The cache is full: ${bytes} bytes more would exceed AUDIO_CACHE_MAX_SIZE, and no file may be evicted`
        : `The disk is full: ${bytes} bytes more would leave less than AUDIO_CACHE_MIN_FREE, and no file may be evicted`)
    }
  }

  /** One-off misses go before the tracks of mixtapes, and what was just played stays. */
  async function ranking (): Promise<(candidates: Candidate[]) => Promise<Rank[]>> {
    const kept = new Set<string>()
    for await (const { tracks } of mixtapes.all()) {
      for (const path of tracks) for (const quality of transcodeQualities) cachedPaths(path, quality).forEach(p => kept.add(p))
    }
    const levels = (await plays.leastPlayedQualities(transcodeQualities)).filter(level => level !== 'medium')
    const protectedSince = Date.now() - config.AUDIO_CACHE_PROTECT * 1000

    return async candidates => {
      const lastPlayed = await plays.lastPlayed(candidates.map(({ path }) => path))
      return candidates.map(({ path, quality, mtimeMs }, index) => {
        const played = lastPlayed[index]
        if (played !== undefined && played >= protectedSince) return undefined
        const lane = kept.has(path) ? 1 : 0
        if (config.AUDIO_CACHE_EVICTION === 'age') return [lane, mtimeMs]
        const level = config.AUDIO_CACHE_EVICTION === 'quality' ? [...levels, 'medium'].indexOf(quality) : 0
        return [lane, level, played ?? mtimeMs]
      })
    }
  }
}

export type Room = ReturnType<typeof createRoom>
