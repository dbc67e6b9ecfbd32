import type { FastifyInstance } from 'fastify'
import { cacheStats, nextEvicted, type Candidate } from '@mixtape/audio-cache/upkeep'
import { evictionOrder } from '@mixtape/mixtape-cache'
import { hitRate, sumOf } from '@mixtape/statistics'
import { isoTime } from '../schemas/queue.ts'
import { SharedResult } from './shared-result.ts'

/** Files that nextEvicted() lists. */
const MAX_EVICTED = 10

/** Tells what the cache holds. Concurrent requests share one walk over the directory. */
export class CacheOverview {
  readonly #app: FastifyInstance
  readonly #next: SharedResult<Candidate[]>
  #counting: ReturnType<typeof cacheStats> | undefined

  constructor (app: FastifyInstance) {
    this.#app = app
    this.#next = new SharedResult(async () => {
      const { audioCache: cache, config, mixtapes, statistics: { plays } } = app
      return await nextEvicted(cache.dir, MAX_EVICTED, await evictionOrder({ config, mixtapes, plays }))
    })
  }

  /** @returns the body of GET /admin/cache/stats */
  async stats () {
    const { audioCache: cache, config } = this.#app
    this.#counting ??= cacheStats(cache.dir).finally(() => { this.#counting = undefined })
    const [{ bytes, files, byKind: { cover: covers, ...byQuality }, oldest, newest }, freeBytes, counts] = await Promise.all([
      this.#counting,
      cache.freeBytes().catch(() => null),
      this.#readCounts().catch(() => ({ hit_rate: null, bytes_saved: null, evicted: null })) // Redis is away
    ])
    return {
      cache_size_bytes: bytes,
      cache_size_mb: Math.round((bytes / (1024 * 1024)) * 100) / 100,
      cached_files: files,
      cache_dir: cache.dir,
      by_quality: byQuality,
      covers,
      oldest: isoTime(oldest),
      newest: isoTime(newest),
      max_size_bytes: config.AUDIO_CACHE_MAX_SIZE ?? null,
      free_bytes: freeBytes,
      ...counts
    }
  }

  /** @returns the body of GET /admin/cache/eviction */
  async nextEvicted () {
    const { config, statistics: { plays } } = this.#app
    const files = await this.#next.read()
    const lastPlayed = await plays.lastPlayed(files.map(({ path }) => path))
    return {
      order: config.AUDIO_CACHE_EVICTION,
      next: files.map(({ path, kind, size, mtimeMs }, index) => ({
        path, kind, size_bytes: size, cached_at: isoTime(mtimeMs), last_played: isoTime(lastPlayed[index])
      }))
    }
  }

  async #readCounts () {
    const { playCounts, statistics: { traffic, cacheUsage } } = this.#app
    await playCounts.flush()
    const [hour, day, bytesSaved, evicted] = await Promise.all([
      traffic.series('hour'), traffic.series('day'), traffic.bytesSaved(), cacheUsage.removed()
    ])
    const rateOf = (series: typeof hour) => {
      const { hits, misses } = sumOf(series)
      return { hits, misses, rate: hitRate({ hits, misses }) }
    }
    return { hit_rate: { last_hour: rateOf(hour), last_day: rateOf(day) }, bytes_saved: bytesSaved, evicted }
  }
}
