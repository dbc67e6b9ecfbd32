import type { Logger } from 'pino'
import type { AudioCache } from '@mixtape/audio-cache'
import { cacheStats, evict } from '@mixtape/audio-cache/upkeep'
import type { Config } from '@mixtape/config'
import { evictionOrder } from '@mixtape/mixtape-cache'
import type { MixtapeRegistry } from '@mixtape/mixtapes'
import type { CacheUsage, Plays, RemovalReason } from '@mixtape/statistics'
import type { RedisClient } from '@mixtape/transcode-queue'
import { withLock } from './lock.ts'
import type { WorkerMetrics } from './metrics.ts'

/** Share of AUDIO_CACHE_MAX_SIZE that is evicted in addition, so that not every new file needs a walk. */
const HEADROOM = 0.01

/** There is no space for another file, and no file may be evicted. */
export class NoSpaceError extends Error {}

export interface SpaceReservationOptions {
  config: Config
  cache: AudioCache
  usage: CacheUsage
  plays: Plays
  mixtapes: MixtapeRegistry
  redis: RedisClient
  metrics: WorkerMetrics
  log: Logger
}

export type SpaceReservation = ReturnType<typeof createSpaceReservation>

/**
 * Keeps the cache within its limits. The size of a file counts towards AUDIO_CACHE_MAX_SIZE before it is written.
 * AUDIO_CACHE_MIN_FREE is compared with the free space before each file; files that are being written may undercut it.
 */
export function createSpaceReservation (options: SpaceReservationOptions) {
  const { config, cache, usage, plays, redis, metrics, log } = options
  const maxSize = config.AUDIO_CACHE_MAX_SIZE ?? Infinity

  return {
    /**
     * Evicts files where necessary, and counts the bytes as used.
     *
     * @throws {NoSpaceError} where the files that may be evicted are too few
     */
    async reserve (bytes: number): Promise<void> {
      if ((await shortage(bytes)).bytes > 0) await withLock(redis, 'evict', () => evictFor(bytes))
      await usage.add(bytes)
    },

    /** Returns bytes that were reserved for a file that was not written, or that were freed by replacing a file. */
    async release (bytes: number): Promise<void> {
      if (bytes) await usage.add(-bytes)
    }
  }

  /** @returns how many bytes must be evicted for `bytes` more, and the limit that requires it; negative for none */
  async function shortage (bytes: number): Promise<{ bytes: number, reason: RemovalReason }> {
    const belowMinFree = config.AUDIO_CACHE_MIN_FREE + bytes - await cache.freeBytes()
    if (maxSize === Infinity) return { bytes: belowMinFree, reason: 'free' }
    const used = await usage.get() ?? await recount()
    const aboveMaxSize = used + bytes - maxSize
    return aboveMaxSize > belowMinFree ? { bytes: aboveMaxSize, reason: 'size' } : { bytes: belowMinFree, reason: 'free' }
  }

  async function recount (): Promise<number> {
    const { bytes, byKind } = await cacheStats(cache.dir)
    await usage.set(byKind)
    return bytes
  }

  async function evictFor (bytes: number): Promise<void> {
    const before = await shortage(bytes) // again: the worker that had the lock before may have evicted enough
    if (before.bytes <= 0) return
    const headroom = maxSize === Infinity ? 0 : maxSize * HEADROOM
    const removed = await evict(cache.dir, before.bytes + headroom, await evictionOrder(options))
    await usage.set(removed.left)
    await usage.countRemoved(before.reason, removed.files)
    metrics.evicted(before.reason, removed)
    await plays.forget(removed.paths)
    if (removed.files) log.info({ files: removed.files, bytes: removed.bytes, reason: before.reason }, 'Evicted')
    const after = await shortage(bytes)
    if (after.bytes > 0) {
      throw new NoSpaceError(after.reason === 'size'
        ? `The cache is full: ${bytes} bytes more would exceed AUDIO_CACHE_MAX_SIZE, and no file may be evicted`
        : `The disk is full: ${bytes} bytes more would leave less than AUDIO_CACHE_MIN_FREE, and no file may be evicted`)
    }
  }
}
