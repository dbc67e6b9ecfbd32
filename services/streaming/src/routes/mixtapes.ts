import sse from '@fastify/sse'
import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { MixtapeReadiness, precache, watchMixtape } from '@mixtape/mixtapes'
import { slugParams } from '../schemas/mixtapes.ts'

const trackSchema = Type.Object({
  file_path: Type.Optional(Type.String({ maxLength: 4096 })),
  path: Type.Optional(Type.String({ maxLength: 4096 }))
}, { anyOf: [{ required: ['file_path'] }, { required: ['path'] }] })

const mixtapeSchema = Type.Object({
  title: Type.Optional(Type.String({ maxLength: 500 })),
  tracks: Type.Array(trackSchema, { maxItems: 1000 })
})

const schema = { params: slugParams }

/** Proxies close a connection on which nothing was sent for a minute. */
const HEARTBEAT_MS = 15_000

/** /mixtapes: save, list and remove mixtapes, and watch how far their tracks are cached. */
export const mixtapeRoutes: FastifyPluginAsyncTypebox = async function (app) {
  const { library, audioCache: cache, transcodeQueue: producer, transcodeEvents: events, mixtapes: registry, config } = app
  const stores = { library, cache, producer }
  const wanted = config.AUDIO_CACHE_PRECACHE_QUALITIES
  const adminOnly = { onRequest: [app.requireAdmin] }

  await app.register(sse as never, { heartbeatInterval: HEARTBEAT_MS })

  // Browsers connect again by themselves, to the next process.
  const closing = new AbortController()
  app.addHook('preClose', async () => { closing.abort() })

  // Mixtapes are in Redis only. While it is away these routes fail at once.
  app.addHook('preHandler', app.requireRedis)

  app.get('/mixtapes', adminOnly, async () => {
    const mixtapes = []
    for await (const { slug, title, tracks, origin } of registry.all()) {
      mixtapes.push({ slug, title, total: tracks.length, origin })
    }
    return { mixtapes }
  })

  app.put('/mixtapes/:slug', { ...adminOnly, schema: { ...schema, body: mixtapeSchema } }, async (request, reply) => {
    const { params: { slug }, body: { title, tracks } } = request
    const paths = tracks.map(track => track.file_path ?? track.path ?? '')
    const isPrecached = config.AUDIO_CACHE_ENABLED && config.AUDIO_CACHE_PRECACHE_ON_UPLOAD
    const result = await precache(stores, { paths, qualities: isPrecached ? wanted : [], reason: 'mixtape' })
    // Saved after its jobs are enqueued, so that the first progress event includes them.
    await registry.save({ slug, title, tracks: paths, origin: 'api' })
    reply.code(202)
    return {
      slug,
      tracks: tracks.length,
      ...result,
      ...isPrecached ? {} : { message: 'Precaching on upload is disabled: nothing was enqueued' }
    }
  })

  app.delete('/mixtapes/:slug', { ...adminOnly, schema }, async (request, reply) => {
    if (!await registry.remove(request.params.slug)) throw app.httpErrors.notFound('No such mixtape')
    reply.code(204)
  })

  app.get('/mixtapes/:slug', { schema }, async request => {
    return (await MixtapeReadiness.of(await app.findMixtape(request.params.slug), { ...stores, wanted })).report
  })

  app.get('/mixtapes/:slug/events', { schema, sse: { kind: 'only' } } as { schema: typeof schema }, async (request, reply) => {
    const mixtape = await app.findMixtape(request.params.slug)
    const clientLeft = new AbortController()
    request.raw.on('close', () => clientLeft.abort())
    // `end`: its sending side is closed (see httpAllowHalfOpen in app.ts). Only the next heartbeats would notice that it has left.
    for (const event of ['end', 'close']) request.raw.socket.on(event, () => clientLeft.abort())
    let number = 0
    for await (const progress of watchMixtape(mixtape, { ...stores, wanted, events, registry, signal: AbortSignal.any([clientLeft.signal, closing.signal]) })) {
      // A browser reconnects when the stream ends. One that has seen the last event gets 204, which stops it (HTML, 9.2.3).
      const suffix = progress.status === 'in_progress' ? '' : '-last'
      if (suffix && number === 0 && request.headers['last-event-id']?.toString().endsWith(suffix)) return reply.code(204).send()
      await reply.sse.send({ id: `${Date.now()}-${number++}${suffix}`, data: progress })
    }
  })
}
