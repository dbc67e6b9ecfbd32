import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { cachedPaths, transcodeQualities, type TranscodeQuality } from '@mixtape/audio-cache'

const HOUR_MS = 3600 * 1000
const DAY_MS = 24 * HOUR_MS

const clearQuery = Type.Object({
  older_than_days: Type.Optional(Type.String({ pattern: '^\\d{1,6}$' })),
  quality: Type.Optional(Type.String({ pattern: `^(${transcodeQualities.join('|')})$` })),
  path: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
  dry_run: Type.Optional(Type.String({ pattern: '^(true|false)$' }))
}, { additionalProperties: false })

const ALLOWED: Record<string, string> = {
  older_than_days: 'must be a whole number, 0 or more, of at most 6 digits',
  quality: `must be one of: ${transcodeQualities.join(', ')}`,
  path: 'must be a folder or a track, relative to the library',
  dry_run: 'must be true or false'
}

/** What the cache holds, and how to empty it. */
export const adminCacheRoutes: FastifyPluginAsyncTypebox = async function (app) {
  app.addHook('onRequest', app.requireAdmin)

  app.get('/admin/cache/stats', async () => {
    const [{ bytes, files, byQuality, oldest, newest }, freeBytes, counted] = await Promise.all([
      app.cacheDirectory.stats(),
      app.cacheDirectory.freeBytes().catch(() => null),
      counts().catch(() => ({ hit_rate: null, bytes_saved: null, evicted: null })) // without Redis nobody knows
    ])
    return {
      cache_size_bytes: bytes,
      cache_size_mb: Math.round((bytes / (1024 * 1024)) * 100) / 100,
      cached_files: files,
      cache_dir: app.cacheDirectory.dir,
      by_quality: byQuality,
      oldest: time(oldest),
      newest: time(newest),
      max_size_bytes: app.config.AUDIO_CACHE_MAX_SIZE ?? null,
      free_bytes: freeBytes,
      ...counted
    }
  })

  app.post('/admin/cache/clear', { schema: { querystring: clearQuery }, schemaErrorFormatter }, async request => {
    const { older_than_days: olderThanDays, quality, path, dry_run: dryRun } = request.query
    const days = Number(olderThanDays ?? 0)
    const { files, bytes } = await app.cacheDirectory.clear({
      olderThanMs: days ? days * DAY_MS : undefined,
      quality: quality as TranscodeQuality | undefined,
      where: path === undefined ? undefined : below(path),
      dryRun: dryRun === 'true'
    })
    if (dryRun !== 'true') app.inBackground(app.cacheUsage.add(-bytes))
    const message = [
      dryRun === 'true' ? 'Would clear' : 'Cleared',
      days || quality || path ? `${files} cached files` : `all ${files} cached files`,
      ...quality ? [`at ${quality} quality`] : [],
      ...path ? [`of ${path}`] : [],
      ...days ? [`older than ${days} days`] : []
    ].join(' ')
    request.log.info(message)
    return { deleted_files: dryRun === 'true' ? 0 : files, ...dryRun === 'true' ? { would_delete_files: files } : {}, message }
  })

  async function counts () {
    await app.playCounts.flush()
    const [lastHour, lastDay, bytesSaved, evicted] = await Promise.all([
      app.hitRates.since(HOUR_MS), app.hitRates.since(DAY_MS), app.hitRates.bytesSaved(), app.cacheUsage.evictions()
    ])
    return { hit_rate: { last_hour: lastHour, last_day: lastDay }, bytes_saved: bytesSaved, evicted }
  }
}

/** A track's own files, or all below a folder. */
function below (path: string): (cachedPath: string) => boolean {
  const folder = path.replace(/\/+$/, '')
  const own = new Set(transcodeQualities.flatMap(quality => cachedPaths(folder, quality)))
  return cachedPath => own.has(cachedPath) || cachedPath.startsWith(`${folder}/`)
}

function time (ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}

function schemaErrorFormatter (errors: { instancePath: string, params: Record<string, unknown> }[]): Error {
  const [{ instancePath = '', params = {} } = {}] = errors
  const name = instancePath.slice(1)
  return new Error(ALLOWED[name]
    ? `${name} ${ALLOWED[name]}`
    : `There is no ${params.additionalProperty}: only ${Object.keys(ALLOWED).join(', ')}`)
}
