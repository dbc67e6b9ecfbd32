import type { FastifyInstance } from 'fastify'
import { Gauge } from 'prom-client'
import type { Metrics } from '@mixtape/metrics'
import type { CacheLevel } from '@mixtape/statistics'

/** Tells what the cache holds, and its limits. The files were counted when they were published and deleted: no scrape walks. */
export function watchCache (metrics: Metrics, app: Pick<FastifyInstance, 'audioCache' | 'config' | 'statistics'>): void {
  const { audioCache, config, statistics: { cacheUsage } } = app
  const registers = [metrics.registry]
  const files = new Gauge({ name: 'mixtape_cache_files', help: 'Cached files, by level.', labelNames: ['level'], registers })
  const bytes = new Gauge({ name: 'mixtape_cache_bytes', help: 'Bytes of the cached files, by level.', labelNames: ['level'], registers })
  const full = new Gauge({ name: 'mixtape_cache_full', help: 'Whether jobs wait for space in the cache: 1 or 0.', registers })
  const free = new Gauge({ name: 'mixtape_cache_disk_free_bytes', help: 'Free bytes of the file system of the cache.', registers })
  new Gauge({ name: 'mixtape_cache_min_free_bytes', help: 'What the cache leaves free (AUDIO_CACHE_MIN_FREE).', registers })
    .set(config.AUDIO_CACHE_MIN_FREE)
  if (config.AUDIO_CACHE_MAX_SIZE !== undefined) {
    new Gauge({ name: 'mixtape_cache_limit_bytes', help: 'Largest size of the cache (AUDIO_CACHE_MAX_SIZE); absent without a limit.', registers })
      .set(config.AUDIO_CACHE_MAX_SIZE)
  }

  metrics.onScrape(async () => await cacheUsage.levels(), levels => {
    files.reset()
    bytes.reset()
    for (const [level, count] of Object.entries(levels ?? {}) as [CacheLevel, { files: number, bytes: number }][]) {
      files.set({ level }, count.files)
      bytes.set({ level }, count.bytes)
    }
  })
  metrics.onScrape(async () => await cacheUsage.fullReason() === undefined ? 0 : 1, isFull => setOrRemove(full, isFull))
  metrics.onScrape(async () => await audioCache.freeBytes(), freeBytes => setOrRemove(free, freeBytes))
}

function setOrRemove (gauge: Gauge, value: number | undefined): void {
  if (value === undefined) gauge.remove()
  else gauge.set(value)
}
