import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { mayScrape } from '@mixtape/metrics'
import { errors } from '../schemas/errors.ts'

/** GET /metrics, for Prometheus, unless METRICS_PORT says that it is at a port of its own. */
export async function metricsRoutes (app: FastifyInstance) {
  const { config, metrics } = app
  if (config.METRICS_PORT !== undefined) return

  app.get('/metrics', {
    schema: {
      tags: ['operation'],
      summary: 'Metrics in the text format of Prometheus',
      description: 'Needs `METRICS_TOKEN` or `ADMIN_TOKEN` where one is set. What is only known in Redis is absent while it is away. ' +
        'Worker processes have their own at `METRICS_PORT`.',
      response: {
        200: {
          description: 'The metrics',
          content: { 'text/plain': { schema: Type.String({ examples: ['# TYPE mixtape_redis_up gauge\nmixtape_redis_up 1\n'] }) } }
        },
        ...errors(401, 429)
      }
    },
    onRequest: async (request, reply) => {
      if (mayScrape(request.headers, request.socket.remoteAddress, config)) return
      // The ADMIN_TOKEN is right here too, so it could be guessed here.
      if (request.headers.authorization !== undefined) await app.countWrongToken(request, reply)
      reply.header('www-authenticate', 'Bearer realm="metrics"')
      throw app.httpErrors.unauthorized('This needs METRICS_TOKEN or ADMIN_TOKEN: Authorization: Bearer <token>')
    }
  }, async (request, reply) => await reply.type(metrics.contentType).send(await metrics.text()))
}
