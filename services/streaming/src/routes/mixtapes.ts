import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { MixtapeReadiness, precache, watchMixtape } from '@mixtape/mixtape-cache'
import { adminErrors, errors } from '../schemas/errors.ts'
import { mixtapeErrors, mixtapeSchema, mixtapesSchema, progressSchema, readinessSchema, savedSchema, slugParams } from '../schemas/mixtapes.ts'
import { empty } from '../schemas/play.ts'

/** Bytes; enough for as many tracks as a mixtape may have, with the longest paths. */
const MAX_BODY = 5 * 1024 * 1024

const eventsSchema = {
  tags: ['mixtapes'],
  summary: 'Server-Sent Events: the progress as it is, then every change',
  description: 'The last event has the status `completed` or `failed`.',
  params: slugParams,
  response: {
    200: { description: 'Events', content: { 'text/event-stream': { schema: progressSchema } } },
    204: empty('The client has seen the last event'),
    ...errors(400, 404, 503)
  }
}

/** /mixtapes: save, list and remove mixtapes, and watch how far their tracks are cached. */
export const mixtapeRoutes: FastifyPluginAsyncTypebox = async function (app) {
  const { library, audioCache: cache, transcodeQueue: producer, transcodeEvents: events, mixtapes: registry, config } = app
  const stores = { library, cache, producer }
  const wanted = config.AUDIO_CACHE_PRECACHE_QUALITIES
  /** Readiness that is being looked up, by slug. Everyone may ask, and it takes a look at each track: concurrent requests share one. */
  const lookups = new Map<string, Promise<MixtapeReadiness>>()
  const adminOnly = { onRequest: [app.requireAdmin] }

  // Mixtapes are in Redis only. While it is away these routes fail at once.
  app.addHook('preHandler', app.requireRedis)

  app.get('/mixtapes', {
    ...adminOnly,
    schema: { tags: ['mixtapes'], summary: 'All mixtapes', response: { 200: mixtapesSchema, ...errors(503), ...adminErrors } }
  }, async () => {
    const mixtapes = []
    for await (const { slug, title, tracks, origin } of registry.all()) {
      mixtapes.push({ slug, title, total: tracks.length, origin })
    }
    return { mixtapes }
  })

  app.put('/mixtapes/:slug', {
    ...adminOnly,
    schema: {
      tags: ['mixtapes'],
      summary: 'Saves a mixtape, and enqueues what its tracks lack',
      params: slugParams,
      body: mixtapeSchema,
      response: { 202: savedSchema, ...errors(400, 413, 415, 503), ...adminErrors }
    },
    bodyLimit: MAX_BODY,
    schemaErrorFormatter: mixtapeErrors
  }, async (request, reply) => {
    const { params: { slug }, body: { title, tracks } } = request
    const paths = tracks.map(track => track.file_path ?? track.path ?? '')
    const isPrecached = config.AUDIO_CACHE_ENABLED && config.AUDIO_CACHE_PRECACHE_ON_UPLOAD
    const result = await precache(stores, { paths, qualities: isPrecached ? wanted : [], reason: 'mixtape' })
    // Saved after its jobs are enqueued, so that the first progress event includes them.
    await registry.save({ slug, title, tracks: paths, origin: 'api' })
    lookups.delete(slug) // a look-up that began before does not know it
    reply.code(202)
    return {
      slug,
      tracks: tracks.length,
      ...result,
      ...isPrecached ? {} : { message: 'Precaching on upload is disabled: nothing was enqueued' }
    }
  })

  app.delete('/mixtapes/:slug', {
    ...adminOnly,
    schema: {
      tags: ['mixtapes'],
      summary: 'Removes a mixtape; its cached files stay',
      params: slugParams,
      response: { 204: empty('It is removed'), ...errors(400, 404, 503), ...adminErrors }
    },
    schemaErrorFormatter: mixtapeErrors
  }, async (request, reply) => {
    const { slug } = request.params
    if (!await registry.remove(slug)) throw app.httpErrors.notFound('No such mixtape')
    lookups.delete(slug)
    reply.code(204)
  })

  app.get('/mixtapes/:slug', {
    schema: {
      tags: ['mixtapes'],
      summary: 'How far each track of a mixtape is cached',
      params: slugParams,
      response: { 200: readinessSchema, ...errors(400, 404, 503) }
    },
    schemaErrorFormatter: mixtapeErrors
  }, async request => {
    const { slug } = request.params
    const lookup = lookups.get(slug) ?? app.findMixtape(slug)
      .then(async mixtape => await MixtapeReadiness.of(mixtape, { ...stores, wanted }))
      .finally(() => lookups.delete(slug))
    lookups.set(slug, lookup)
    return (await lookup).report
  })

  app.get('/mixtapes/:slug/events', {
    schema: eventsSchema, sse: { kind: 'only' }, exposeHeadRoute: false, schemaErrorFormatter: mixtapeErrors
  } as { schema: typeof eventsSchema }, async (request, reply) => {
    const mixtape = await app.findMixtape(request.params.slug)
    const signal = app.untilStreamEnds(reply)
    let number = 0
    try {
      for await (const progress of watchMixtape(mixtape, { ...stores, wanted, events, registry, signal })) {
        if (signal.aborted) return
        // A browser reconnects when the stream ends. One that has seen the last event gets 204, which stops it (HTML, 9.2.3).
        const suffix = progress.status === 'in_progress' ? '' : '-last'
        if (suffix && number === 0 && request.headers['last-event-id']?.toString().endsWith(suffix)) return reply.code(204).send()
        await reply.sse.send({ id: `${Date.now()}-${number++}${suffix}`, data: progress })
      }
    } catch (error) {
      if (!signal.aborted) throw error // a client that has left, or a stop, is no fault
    }
  })
}
