import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { belongsTo } from '@mixtape/audio-cache'
import { cacheStats, clearCache } from '@mixtape/audio-cache/upkeep'
import type { TranscodeQuality } from '@mixtape/mp3'
import { CLEAR_QUERY_ALLOWED, clearedSchema, cacheStatsSchema, clearQuery } from '../schemas/cache.ts'
import { adminErrors, errors } from '../schemas/errors.ts'
import { queryErrors } from '../schemas/query-errors.ts'
import { isoTime } from '../schemas/queue.ts'

const HOUR_MS = 3600 * 1000
const DAY_MS = 24 * HOUR_MS

/** GET /admin/cache/stats and POST /admin/cache/clear. */
export const adminCacheRoutes: FastifyPluginAsyncTypebox = async function (app) {
  const { dir } = app.audioCache
  const { hitRates, cacheUsage } = app.statistics
  /** Concurrent requests share one walk over the directory. */
  let counting: ReturnType<typeof cacheStats> | undefined

  app.addHook('onRequest', app.requireAdmin)

  app.get('/admin/cache/stats', {
    schema: {
      tags: ['cache'],
      summary: 'Cached files by quality, hit rate, and bytes saved',
      response: { 200: cacheStatsSchema, ...adminErrors }
    }
  }, async () => {
    counting ??= cacheStats(dir).finally(() => { counting = undefined })
    const [{ bytes, files, byQuality, covers, oldest, newest }, freeBytes, counts] = await Promise.all([
      counting,
      app.audioCache.freeBytes().catch(() => null),
      readCounts().catch(() => ({ hit_rate: null, bytes_saved: null, evicted: null })) // Redis is away
    ])
    return {
      cache_size_bytes: bytes,
      cache_size_mb: Math.round((bytes / (1024 * 1024)) * 100) / 100,
      cached_files: files,
      cache_dir: dir,
      by_quality: byQuality,
      covers,
      oldest: isoTime(oldest),
      newest: isoTime(newest),
      max_size_bytes: app.config.AUDIO_CACHE_MAX_SIZE ?? null,
      free_bytes: freeBytes,
      ...counts
    }
  })

  app.post('/admin/cache/clear', {
    schema: {
      tags: ['cache'],
      summary: 'Deletes cached files',
      description: 'A file is deleted when it meets all conditions that are given. Originals are never deleted.',
      querystring: clearQuery,
      response: { 200: clearedSchema, ...errors(400), ...adminErrors }
    },
    schemaErrorFormatter: queryErrors(CLEAR_QUERY_ALLOWED)
  }, async request => {
    const { older_than_days: olderThanDays, quality, path, dry_run: dryRun } = request.query
    const isDryRun = dryRun === 'true'
    const days = Number(olderThanDays ?? 0)
    const { files, bytes } = await clearCache(dir, {
      olderThanMs: days ? days * DAY_MS : undefined,
      quality: quality as TranscodeQuality | undefined,
      where: path === undefined ? undefined : belongsTo(path),
      dryRun: isDryRun
    })
    if (!isDryRun) {
      // Not awaited: nobody waits for Redis. The nightly run corrects the number.
      cacheUsage.add(-bytes).catch(error => app.log.debug(error, 'The size of the cache was not updated'))
    }
    const message = [
      isDryRun ? 'Would clear' : 'Cleared',
      days || quality || path ? `${files} cached files` : `all ${files} cached files`,
      ...quality ? [`at ${quality} quality`] : [],
      ...path ? [`of ${path}`] : [],
      ...days ? [`older than ${days} days`] : []
    ].join(' ')
    request.log.info(message)
    return { deleted_files: isDryRun ? 0 : files, ...isDryRun ? { would_delete_files: files } : {}, message }
  })

  async function readCounts () {
    await app.playCounts.flush()
    const [lastHour, lastDay, bytesSaved, evicted] = await Promise.all([
      hitRates.since(HOUR_MS), hitRates.since(DAY_MS), hitRates.bytesSaved(), cacheUsage.removed()
    ])
    return { hit_rate: { last_hour: lastHour, last_day: lastDay }, bytes_saved: bytesSaved, evicted }
  }
}
