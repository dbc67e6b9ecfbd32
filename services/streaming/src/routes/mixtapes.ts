import sse from '@fastify/sse'
import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { TranscodeQuality } from '@mixtape/audio-cache'
import { precache } from '@mixtape/transcode-queue'
import { MixtapeReadiness } from '../readiness/mixtape-readiness.ts'
import { watchMixtape } from '../readiness/watch-mixtape.ts'

const trackSchema = Type.Object({
  file_path: Type.Optional(Type.String({ maxLength: 4096 })),
  path: Type.Optional(Type.String({ maxLength: 4096 }))
}, { anyOf: [{ required: ['file_path'] }, { required: ['path'] }] })

const mixtapeSchema = Type.Object({
  title: Type.Optional(Type.String({ maxLength: 500 })),
  tracks: Type.Array(trackSchema, { maxItems: 1000 })
})

const schema = { params: Type.Object({ slug: Type.String({ pattern: '^[\\w.~-]{1,200}$' }) }) }

/** Less than the minute after which proxies take a silent connection for dead. */
const HEARTBEAT_MS = 15_000

/** Mixtapes: what should be ready before anyone presses play, and how far that is. */
export const mixtapeRoutes: FastifyPluginAsyncTypebox = async function (app) {
  await app.register(sse as never, { heartbeatInterval: HEARTBEAT_MS })

  // All of it is in Redis; a clear answer now is better than a slow one.
  app.addHook('preHandler', async request => {
    await app.pingRedis().catch(() => {
      throw app.httpErrors.serviceUnavailable('The queue is not reachable: please try again')
    })
  })

  const admin = { onRequest: [app.requireAdmin] }

  app.get('/mixtapes', admin, async () => {
    const mixtapes = []
    for await (const { slug, title, tracks, origin } of app.mixtapes.all()) {
      mixtapes.push({ slug, title, total: tracks.length, origin })
    }
    return { mixtapes }
  })

  app.put('/mixtapes/:slug', { ...admin, schema: { ...schema, body: mixtapeSchema } }, async (request, reply) => {
    const { params: { slug }, body: { title, tracks } } = request
    const paths = tracks.map(track => track.file_path ?? track.path ?? '')
    const enabled = app.config.AUDIO_CACHE_ENABLED && app.config.AUDIO_CACHE_PRECACHE_ON_UPLOAD
    const qualities = (enabled ? app.config.AUDIO_CACHE_PRECACHE_QUALITIES : []) as TranscodeQuality[]
    const services = { library: app.library, cache: app.cacheDirectory, producer: app.transcodeQueue }
    const result = await precache(services, { paths, qualities, reason: 'mixtape' })
    // Remembered when its jobs are in the queue: whoever looks at it sees them.
    await app.mixtapes.save({ slug, title, tracks: paths, origin: 'api' })
    reply.code(202)
    return {
      slug,
      tracks: tracks.length,
      ...result,
      ...enabled ? {} : { message: 'Precaching on upload is disabled: nothing was enqueued' }
    }
  })

  app.delete('/mixtapes/:slug', { ...admin, schema }, async (request, reply) => {
    if (!await app.mixtapes.remove(request.params.slug)) throw app.httpErrors.notFound('No such mixtape')
    reply.code(204)
  })

  app.get('/mixtapes/:slug', { schema }, async request => {
    return (await MixtapeReadiness.of(app, await find(request.params.slug))).report
  })

  app.get('/mixtapes/:slug/events', { schema, sse: { kind: 'only' } } as { schema: typeof schema }, async (request, reply) => {
    const mixtape = await find(request.params.slug)
    const left = new AbortController()
    request.raw.on('close', () => left.abort())
    request.raw.socket.on('close', () => left.abort())
    let number = 0
    for await (const progress of watchMixtape(app, mixtape, left.signal)) {
      // A page that comes back with the last id of all is told to stay away (HTML, 9.2.3).
      const done = progress.status === 'in_progress' ? '' : '-last'
      if (done && number === 0 && request.headers['last-event-id']?.toString().endsWith(done)) return reply.code(204).send()
      await reply.sse.send({ id: `${Date.now()}-${number++}${done}`, data: progress })
    }
  })

  async function find (slug: string) {
    const mixtape = await app.mixtapes.get(slug)
    if (!mixtape) throw app.httpErrors.notFound('No such mixtape')
    return mixtape
  }
}
