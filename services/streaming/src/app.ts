import { STATUS_CODES } from 'node:http'
import Fastify, { LogController, type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '@mixtape/config'
import { adminAuthPlugin } from './plugins/admin-auth.ts'
import { answersPlugin } from './plugins/answers.ts'
import { audioFilesPlugin } from './plugins/audio-files.ts'
import { cacheOverviewPlugin } from './plugins/cache-overview.ts'
import { coversPlugin } from './plugins/covers.ts'
import { errorsPlugin } from './plugins/errors.ts'
import { eventStreamsPlugin } from './plugins/event-streams.ts'
import { healthPlugin } from './plugins/health.ts'
import { libraryAccessPlugin } from './plugins/library-access.ts'
import { listenersPlugin } from './plugins/listeners.ts'
import { liveTranscodesPlugin } from './plugins/live-transcodes.ts'
import { metricsPlugin } from './plugins/metrics.ts'
import { missesPlugin } from './plugins/misses.ts'
import { mixtapesPlugin } from './plugins/mixtapes.ts'
import { openapiPlugin } from './plugins/openapi.ts'
import { playCountsPlugin } from './plugins/play-counts.ts'
import { redisPlugin } from './plugins/redis.ts'
import { logWhenAnswered, requestId, requestLogPlugin } from './plugins/request-log.ts'
import { statisticsPlugin } from './plugins/statistics.ts'
import { stoppingPlugin } from './plugins/stopping.ts'
import { tracingPlugin } from './plugins/tracing.ts'
import { transcodeEventsPlugin } from './plugins/transcode-events.ts'
import { transcodeQueuePlugin } from './plugins/transcode-queue.ts'
import { adminCacheRoutes } from './routes/admin-cache.ts'
import { adminFailedRoutes } from './routes/admin-failed.ts'
import { adminOverviewRoutes } from './routes/admin-overview.ts'
import { adminPrecacheRoutes } from './routes/admin-precache.ts'
import { adminQueueRoutes } from './routes/admin-queue.ts'
import { adminTracksRoutes } from './routes/admin-tracks.ts'
import { coverRoutes } from './routes/cover.ts'
import { docsRoutes } from './routes/docs.ts'
import { healthRoutes } from './routes/health.ts'
import { hlsRoutes } from './routes/hls.ts'
import { libraryRoutes } from './routes/library.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { mixtapeRoutes } from './routes/mixtapes.ts'
import { pageRoutes } from './routes/pages.ts'
import { playRoutes } from './routes/play.ts'
import { sharedMixtapeRoutes } from './routes/shared-mixtapes.ts'
import { preflightRoutes } from './serving/cross-origin.ts'

declare module 'fastify' {
  interface FastifyInstance {
    config: Config
  }
}

/** Builds the streaming service. It does not listen yet. Each plugin may use those that are registered before it. */
export async function buildApp (config: Config, log: Logger): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: log,
    genReqId: requestId,
    childLoggerFactory: (logger, bindings) => logger.child(bindings), // without Fastify's serializers, which no line uses
    logController: new LogController({ disableRequestLogging: true }), // the routes log one line for each request
    // Strict: a number is not accepted as a path, and an unknown filter is an error.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    routerOptions: { maxParamLength: 1000 },
    // Through a proxy the request target may be an absolute URL (RFC 9112, 3.2.2).
    rewriteUrl: request => request.url?.replace(/^https?:\/\/[^/?]*(?=[/?]|$)/i, '') || '/',
    // A client that sends its request slowly is disconnected. One that reads its response slowly is not.
    requestTimeout: 30_000,
    // A replica that stops still answers. nginx would pass its 503 on to the listener: it cannot know that it is no answer to a miss.
    return503OnClosing: false,
    http: { headersTimeout: 20_000, connectionsCheckingInterval: 5000 },
    frameworkErrors: (error, request, reply) => {
      if (config.LOG_REQUESTS) logWhenAnswered(request, reply) // no hook runs for these
      const statusCode = error.statusCode ?? 400
      reply.raw.writeHead(statusCode, { 'content-type': 'application/json; charset=utf-8' })
      reply.raw.end(JSON.stringify({ statusCode, error: STATUS_CODES[statusCode], message: error.message }))
    }
  }) as unknown as FastifyInstance
  // A client may close its sending side and still read the response, as `nc -N` does. The property has no type.
  Object.assign(app.server, { httpAllowHalfOpen: true })
  app.removeContentTypeParser('text/plain') // bodies are JSON: others get 415
  app.decorate('config', config)

  await app.register(requestLogPlugin)
  await app.register(tracingPlugin)
  await app.register(errorsPlugin)
  await app.register(stoppingPlugin)
  await app.register(audioFilesPlugin)
  await app.register(redisPlugin)
  await app.register(transcodeQueuePlugin)
  await app.register(transcodeEventsPlugin)
  await app.register(missesPlugin)
  await app.register(mixtapesPlugin)
  await app.register(statisticsPlugin)
  await app.register(metricsPlugin)
  await app.register(playCountsPlugin)
  await app.register(listenersPlugin)
  await app.register(answersPlugin)
  await app.register(liveTranscodesPlugin)
  await app.register(cacheOverviewPlugin)
  await app.register(healthPlugin)
  await app.register(adminAuthPlugin)
  await app.register(libraryAccessPlugin)
  await app.register(coversPlugin)

  await app.register(eventStreamsPlugin)
  await app.register(openapiPlugin)
  await app.register(preflightRoutes)
  await app.register(playRoutes)
  await app.register(hlsRoutes)
  await app.register(libraryRoutes)
  await app.register(coverRoutes)
  await app.register(mixtapeRoutes)
  await app.register(sharedMixtapeRoutes)
  await app.register(adminCacheRoutes)
  await app.register(adminTracksRoutes)
  await app.register(adminOverviewRoutes)
  await app.register(adminPrecacheRoutes)
  await app.register(adminQueueRoutes)
  await app.register(adminFailedRoutes)
  await app.register(healthRoutes)
  await app.register(metricsRoutes)
  await app.register(pageRoutes)
  await app.register(docsRoutes)
  return app
}
