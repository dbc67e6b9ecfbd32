import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { belongsTo } from '@mixtape/audio-cache'
import { clearCache } from '@mixtape/audio-cache/upkeep'
import type { TranscodeQuality } from '@mixtape/mp3'
import { count } from '../count.ts'
import { CLEAR_QUERY_ALLOWED, cacheStatsSchema, clearedSchema, clearQuery, evictionSchema } from '../schemas/cache.ts'
import { adminErrors, errors } from '../schemas/errors.ts'
import { queryErrors } from '../schemas/query-errors.ts'

const DAY_MS = 24 * 3600 * 1000

/** /admin/cache: what is cached, what would be evicted next, and clear. */
export const adminCacheRoutes: FastifyPluginAsyncTypebox = async function (app) {
  const { dir } = app.audioCache
  const { cacheUsage, plays } = app.statistics

  app.addHook('onRequest', app.requireAdmin)

  app.get('/admin/cache/stats', {
    schema: {
      tags: ['cache'],
      summary: 'Cached files by quality, hit rate, and bytes saved',
      response: { 200: cacheStatsSchema, ...adminErrors }
    }
  }, async () => await app.cacheOverview.stats())

  app.get('/admin/cache/eviction', {
    schema: {
      tags: ['cache'],
      summary: 'Which cached files would be evicted next',
      description: 'The first ten. Files that were played within AUDIO_CACHE_PROTECT stay, and are not listed.',
      response: { 200: evictionSchema, ...errors(503), ...adminErrors }
    },
    preHandler: app.requireRedis
  }, async () => await app.cacheOverview.nextEvicted())

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
    const { files, byKind } = await clearCache(dir, {
      olderThanMs: days ? days * DAY_MS : undefined,
      quality: quality as TranscodeQuality | undefined,
      where: path === undefined ? undefined : belongsTo(path),
      dryRun: isDryRun
    }, async paths => {
      plays.forget(paths).catch(error => app.log.debug(error, 'The plays of deleted files were not forgotten'))
    })
    if (!isDryRun) {
      // Not awaited: nobody waits for Redis. The nightly run corrects the number.
      cacheUsage.subtract(byKind).catch(error => app.log.debug(error, 'The size of the cache was not updated'))
    }
    const message = [
      isDryRun ? 'Would clear' : 'Cleared',
      ...days || quality || path || files === 1 ? [] : ['all'],
      count(files, 'cached file'),
      ...quality ? [`at ${quality} quality`] : [],
      ...path ? [`of ${path}`] : [],
      ...days ? [`older than ${count(days, 'day')}`] : []
    ].join(' ')
    request.log.info(message)
    return { deleted_files: isDryRun ? 0 : files, ...isDryRun ? { would_delete_files: files } : {}, message }
  })
}
