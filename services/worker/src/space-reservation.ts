import type { Logger } from 'pino'
import type { AudioCache } from '@mixtape/audio-cache'
import { cacheStats, evict } from '@mixtape/audio-cache/upkeep'
import type { Config } from '@mixtape/config'
import { evictionOrder } from '@mixtape/mixtape-cache'
import type { MixtapeRegistry } from '@mixtape/mixtapes'
import type { CacheUsage, Plays, RemovalReason } from '@mixtape/statistics'
import type { RedisClient } from '@mixtape/transcode-queue'
import { unrecoverable } from './failure-cause.ts'
import { withLock } from './lock.ts'
import type { WorkerMetrics } from './metrics.ts'

/** Share of AUDIO_CACHE_MAX_SIZE that is evicted in addition, so that not every new file needs a walk. */
const HEADROOM = 0.01

/** The lock of the worker that walks over the cache. */
const LOCK = 'evict'

/** A limit would be exceeded by these bytes. */
interface Shortage {
  bytes: number
  reason: Extract<RemovalReason, 'size' | 'free'>
}

/** There is no space for another file, and too few files may be evicted. */
export class NoSpaceError extends Error {}

/** @returns whether a job failed because there is no space now, also where a write failed */
export function isNoSpace (error: unknown): boolean {
  return error instanceof NoSpaceError || ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')
}

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
     * Reserves space for a part that was created, after evicting files where necessary.
     *
     * @param signal ends the wait for another worker that evicts
     * @throws {NoSpaceError} where the files that may be evicted are too few; then none is evicted
     * @throws an unrecoverable error for more bytes than the whole cache may have
     */
    async reserve (generation: string, bytes: number, signal: AbortSignal): Promise<void> {
      if (bytes > maxSize) throw unrecoverable('too-large', `The MP3 would have ${bytes} bytes, and AUDIO_CACHE_MAX_SIZE is ${maxSize}`)
      if (await belowMinFree(bytes) <= 0 && await usage.reserve(generation, bytes, maxSize)) return
      await withLock(redis, LOCK, signal, async () => {
        // A file that somebody reads holds its space until it is closed. What is evicted here counts as free at once.
        let leastFree = await cache.freeBytes()
        let short = await shortage(generation, bytes, leastFree) // again: the worker that had the lock before may have evicted enough
        while (short) {
          const evicted = await evictFor(short)
          leastFree += evicted.bytes
          const before = short
          short = await shortage(generation, bytes, leastFree)
          // It may be less without an eviction: the walk forgets what workers that died have reserved.
          if (short && evicted.files === 0 && short.bytes >= before.bytes) throw noSpace(bytes, short)
        }
      })
    },

    /** Corrects the size of the cache by a walk over it. @param signal ends the wait for another worker that walks */
    async recount (signal: AbortSignal): Promise<void> {
      await withLock(redis, LOCK, signal, async () => await usage.correct(async () => await cacheStats(cache.dir)))
    }
  }

  /**
   * @param leastFree bytes that are free, or will be, whatever the file system says
   * @returns by how much a new file would undercut AUDIO_CACHE_MIN_FREE; negative where it would not
   */
  async function belowMinFree (bytes: number, leastFree = 0): Promise<number> {
    return config.AUDIO_CACHE_MIN_FREE + bytes - Math.max(await cache.freeBytes(), leastFree)
  }

  /**
   * Reserves the bytes where they fit. It needs the lock, because it may count the cache.
   *
   * @param leastFree as for belowMinFree()
   * @returns the limit that they would exceed otherwise
   */
  async function shortage (generation: string, bytes: number, leastFree: number): Promise<Shortage | undefined> {
    const lacking = await belowMinFree(bytes, leastFree)
    if (lacking > 0) return { bytes: lacking, reason: 'free' }
    for (;;) {
      const isReserved = await usage.reserve(generation, bytes, maxSize)
      if (isReserved) return undefined
      if (isReserved === undefined) await usage.correct(async () => await cacheStats(cache.dir)) // for example Redis has lost its data
      const aboveMaxSize = (await usage.get() ?? 0) + bytes - maxSize
      if (aboveMaxSize > 0) return { bytes: aboveMaxSize, reason: 'size' }
    }
  }

  async function evictFor (short: Shortage): Promise<{ files: number, bytes: number }> {
    const headroom = maxSize === Infinity ? 0 : maxSize * HEADROOM
    const order = await evictionOrder(options)
    const removed = await usage.correct(async () => await evict(cache.dir, short.bytes, order, headroom))
    await usage.countRemoved(short.reason, removed.files)
    metrics.evicted(short.reason, removed)
    await plays.forget(removed.paths)
    if (removed.files) log.info({ files: removed.files, bytes: removed.bytes, reason: short.reason }, 'Evicted')
    return removed
  }
}

function noSpace (bytes: number, { reason }: Shortage): NoSpaceError {
  return new NoSpaceError(reason === 'size'
    ? `The cache is full: ${bytes} bytes more would exceed AUDIO_CACHE_MAX_SIZE, and too few files may be evicted`
    : `The disk is full: ${bytes} bytes more would leave less than AUDIO_CACHE_MIN_FREE, and too few files may be evicted`)
}
