import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { transcodeQualities, type TranscodeQuality } from '@mixtape/mp3'
import { adminErrors, errors } from '../schemas/errors.ts'
import { messageSchema } from '../schemas/message.ts'
import { queryErrors } from '../schemas/query-errors.ts'

const query = Type.Object({
  path: Type.Optional(Type.String({ maxLength: 4096, description: 'A folder or a track, relative to the library; empty for all of it', examples: ['jazz'] })),
  mixtape: Type.Optional(Type.String({ pattern: '^[\\w.~-]{1,200}$', description: 'Or the slug of a mixtape', examples: ['summer'] })),
  quality: Type.Optional(Type.String({ enum: transcodeQualities, description: 'Those of AUDIO_CACHE_PRECACHE_QUALITIES by default', examples: ['low'] }))
}, { additionalProperties: false })

const precachedSchema = Type.Object({ message: Type.String(), qualities: Type.Array(Type.String({ enum: transcodeQualities })) }, {
  examples: [{ message: 'A worker enqueues what jazz lacks', qualities: ['low'] }]
})

const ALLOWED = {
  path: 'must be a folder or a track, relative to the library',
  mixtape: 'must be the slug of a mixtape: letters, digits and _ . ~ -',
  quality: `must be one of: ${transcodeQualities.join(', ')}`
}

/** POST /admin/precache: a folder, a track or a mixtape. POST /admin/nightly: the nightly run, now. A worker does both. */
export const adminPrecacheRoutes: FastifyPluginAsyncTypebox = async function (app) {
  app.addHook('onRequest', app.requireAdmin)
  app.addHook('preHandler', app.requireRedis)

  app.post('/admin/precache', {
    schema: {
      tags: ['queue'],
      summary: 'Enqueue what the tracks of a folder or a mixtape lack',
      description: 'A worker finds out what is missing. At most 1,000 of its jobs wait at a time.',
      querystring: query,
      response: { 202: precachedSchema, ...errors(400, 404, 503), ...adminErrors }
    },
    schemaErrorFormatter: queryErrors(ALLOWED)
  }, async (request, reply) => {
    const { path, mixtape, quality } = request.query
    if ((path === undefined) === (mixtape === undefined)) throw app.httpErrors.badRequest('Either path or mixtape must be given')
    const qualities = quality === undefined ? app.config.AUDIO_CACHE_PRECACHE_QUALITIES : [quality as TranscodeQuality]
    if (mixtape !== undefined) {
      if (!await app.mixtapes.get(mixtape)) throw app.httpErrors.notFound(`No such mixtape: ${mixtape}`)
      await app.maintenance.precacheMixtape(mixtape, qualities)
    } else if (path !== undefined) {
      const folder = path.replace(/\/+$/, '')
      const track = await app.library.open(folder)
      await track?.close()
      if (!track && !await app.library.list(folder)) throw app.httpErrors.notFound(`No such folder or track: ${path}`)
      await app.maintenance.precacheFolder(folder, qualities)
    }
    reply.code(202)
    return { message: `A worker enqueues what ${mixtape ?? (path || 'the library')} lacks`, qualities }
  })

  app.post('/admin/nightly', {
    schema: {
      tags: ['queue'],
      summary: 'Run the nightly maintenance now',
      description: 'Removes old files and orphans, and enqueues what mixtapes lack. Calls within one minute start it once.',
      response: { 202: messageSchema('A worker starts the nightly run'), ...errors(503), ...adminErrors }
    }
  }, async (request, reply) => {
    await app.maintenance.run('nightly')
    reply.code(202)
    return { message: 'A worker starts the nightly run' }
  })
}
