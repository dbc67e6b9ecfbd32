import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { adminErrors, errors } from '../schemas/errors.ts'
import { queryErrors } from '../schemas/query-errors.ts'
import { isoTime, jobFields, jobOf, time, timeOrNull } from '../schemas/queue.ts'

const failedSchema = Type.Object({
  jobs: Type.Array(Type.Object({
    ...jobFields,
    error: Type.String({ description: 'The words of ffmpeg, or of the worker' }),
    failed_at: time,
    attempts: Type.Integer()
  }), { description: 'Jobs that failed for good, the latest first' }),
  sources: Type.Array(Type.Object({
    path: Type.String(),
    error: Type.String(),
    since: timeOrNull
  }), { description: 'Sources that are not enqueued again until the file changes or somebody retries them' })
}, {
  examples: [{
    jobs: [{
      path: 'jazz/so-what.flac', quality: 'low', reason: 'miss', error: 'Invalid data found when processing input', failed_at: '2026-11-25T17:00:00.000Z', attempts: 1
    }],
    sources: [{ path: 'jazz/so-what.flac', error: 'Invalid data found when processing input', since: '2026-11-25T17:00:00.000Z' }]
  }]
})

const query = Type.Object({
  path: Type.Optional(Type.String({
    minLength: 1, maxLength: 4096, description: 'One track, relative to the library. Without it: all', examples: ['jazz/so-what.flac']
  }))
}, { additionalProperties: false })

const ALLOWED = { path: 'must be a track, relative to the library' }

const changed = (name: string, message: string) => ({
  200: Type.Object({ [name]: Type.Integer({ description: 'Number of tracks' }), message: Type.String() }, {
    examples: [{ [name]: 1, message }]
  }),
  ...errors(400, 404, 503),
  ...adminErrors
})

/** /admin/failed: what failed and why; retry and dismiss, one track or all. */
export const adminFailedRoutes: FastifyPluginAsyncTypebox = async function (app) {
  app.addHook('onRequest', app.requireAdmin)
  app.addHook('preHandler', app.requireRedis)

  app.get('/admin/failed', {
    schema: {
      tags: ['failures'],
      summary: 'What failed, in the words of ffmpeg',
      response: { 200: failedSchema, ...adminErrors, ...errors(503) }
    }
  }, async () => {
    const [jobs, sources] = await Promise.all([app.failures.jobs(), app.failures.sources()])
    return {
      jobs: jobs.map(job => ({
        ...jobOf(job), error: job.error, failed_at: isoTime(job.failedAt), attempts: job.attempts
      })),
      sources: sources.map(({ path, reason, since }) => ({ path, error: reason, since: isoTime(since) }))
    }
  })

  app.post('/admin/failed/retry', {
    schema: {
      tags: ['failures'],
      summary: 'Forget failures, and enqueue the tracks again',
      querystring: query,
      response: changed('retried', 'Enqueued 1 jobs of 1 tracks')
    },
    schemaErrorFormatter: queryErrors(ALLOWED)
  }, async request => {
    const { path } = request.query
    const { tracks, jobs } = await app.failures.retry(path, app.config.AUDIO_CACHE_PRECACHE_QUALITIES)
    if (path !== undefined && tracks === 0) throw app.httpErrors.notFound(`No failure of this track is known: ${path}`)
    const message = `Enqueued ${jobs} jobs of ${tracks} tracks`
    request.log.info(message)
    return { retried: tracks, message }
  })

  app.post('/admin/failed/dismiss', {
    schema: {
      tags: ['failures'],
      summary: 'Take failures from the list',
      description: 'A source that failed is still not enqueued again until it changes.',
      querystring: query,
      response: changed('dismissed', 'Dismissed the failures of 1 tracks')
    },
    schemaErrorFormatter: queryErrors(ALLOWED)
  }, async request => {
    const { path } = request.query
    const tracks = await app.failures.dismiss(path)
    if (path !== undefined && tracks === 0) throw app.httpErrors.notFound(`No failure of this track is known: ${path}`)
    const message = `Dismissed the failures of ${tracks} tracks`
    request.log.info(message)
    return { dismissed: tracks, message }
  })
}
