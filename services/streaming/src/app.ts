import { STATUS_CODES } from 'node:http'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import Fastify, { LogController, type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '@mixtape/config'
import { adminAuthPlugin } from './plugins/admin-auth.ts'
import { audioCachePlugin } from './plugins/audio-cache.ts'
import { errorsPlugin } from './plugins/errors.ts'
import { liveTranscodesPlugin } from './plugins/live-transcodes.ts'
import { playCountsPlugin } from './plugins/play-counts.ts'
import { transcodeQueuePlugin } from './plugins/transcode-queue.ts'
import { adminCacheRoutes } from './routes/admin-cache.ts'
import { healthRoutes } from './routes/health.ts'
import { mixtapeRoutes } from './routes/mixtapes.ts'
import { playRoutes } from './routes/play.ts'

const PAGES = fileURLToPath(new URL('../public', import.meta.url))

declare module 'fastify' {
  interface FastifyInstance {
    config: Config
  }
}

/** Composes the streaming service; the order is the documentation. */
export async function buildApp (config: Config, log: Logger): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: log,
    childLoggerFactory: logger => logger, // one for each request costs more than its line
    logController: new LogController({ disableRequestLogging: true }), // the routes say what they did, in one line
    // A number is no path, and a misspelt filter must not mean no filter.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    routerOptions: { maxParamLength: 1000 },
    // A proxy may send the whole URL (RFC 9112, 3.2.2).
    rewriteUrl: request => request.url?.replace(/^https?:\/\/[^/?]*(?=[/?]|$)/i, '') || '/',
    // Whoever sends slowly is cut off; whoever reads slowly is not.
    requestTimeout: 30_000,
    http: { headersTimeout: 20_000, connectionsCheckingInterval: 5000 },
    frameworkErrors: (error, request, reply) => {
      const statusCode = error.statusCode ?? 400
      reply.raw.writeHead(statusCode, { 'content-type': 'application/json; charset=utf-8' })
      reply.raw.end(JSON.stringify({ statusCode, error: STATUS_CODES[statusCode], message: error.message }))
    }
  }) as unknown as FastifyInstance
  // A listener may close its sending side and still wait for the bytes, as `nc -N` does. Node's switch has no type.
  Object.assign(app.server, { httpAllowHalfOpen: true })
  app.decorate('config', config)

  await app.register(errorsPlugin)
  await app.register(audioCachePlugin)
  await app.register(transcodeQueuePlugin)
  await app.register(liveTranscodesPlugin)
  await app.register(playCountsPlugin)
  await app.register(adminAuthPlugin)

  await app.register(playRoutes)
  await app.register(mixtapeRoutes)
  await app.register(adminCacheRoutes)
  await app.register(healthRoutes)
  await app.register(fastifyStatic, { root: PAGES, wildcard: false })
  return app
}
