import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { count } from '../count.ts'
import { failedOverview } from '../overview/failed.ts'
import { adminErrors, errors } from '../schemas/errors.ts'
import { failedSchema } from '../schemas/failed.ts'
import { queryErrors } from '../schemas/query-errors.ts'

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
      querystring: Type.Object({
        dismissed: Type.Optional(Type.String({
          enum: ['true', 'false'], description: 'true: also sources that were dismissed, which are still not enqueued again', examples: ['true']
        }))
      }, { additionalProperties: false }),
      response: { 200: failedSchema, ...adminErrors, ...errors(400, 503) }
    },
    schemaErrorFormatter: queryErrors({ dismissed: 'must be true or false' })
  }, async request => await failedOverview(app, { withDismissed: request.query.dismissed === 'true' }))

  app.post('/admin/failed/retry', {
    schema: {
      tags: ['failures'],
      summary: 'Forget failures, and enqueue the tracks again',
      querystring: query,
      response: changed('retried', 'Enqueued 1 job of 1 track')
    },
    schemaErrorFormatter: queryErrors(ALLOWED)
  }, async request => {
    const { path } = request.query
    const { tracks, jobs } = await app.failures.retry(path, app.config.AUDIO_CACHE_PRECACHE_QUALITIES)
    if (path !== undefined && tracks === 0) throw app.httpErrors.notFound(`No failure of this track is known: ${path}`)
    const message = `Enqueued ${count(jobs, 'job')} of ${count(tracks, 'track')}`
    request.log.info(message)
    return { retried: tracks, message }
  })

  app.post('/admin/failed/dismiss', {
    schema: {
      tags: ['failures'],
      summary: 'Take failures from the list',
      description: 'A source that failed is still not enqueued again until it changes.',
      querystring: query,
      response: changed('dismissed', 'Dismissed the failures of 1 track')
    },
    schemaErrorFormatter: queryErrors(ALLOWED)
  }, async request => {
    const { path } = request.query
    const tracks = await app.failures.dismiss(path)
    if (path !== undefined && tracks === 0) throw app.httpErrors.notFound(`No failure of this track is known: ${path}`)
    const message = `Dismissed the failures of ${count(tracks, 'track')}`
    request.log.info(message)
    return { dismissed: tracks, message }
  })
}
