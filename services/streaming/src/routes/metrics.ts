import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { requireScraper } from '@mixtape/metrics'
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
    onRequest: requireScraper(config)
  }, async (request, reply) => await reply.type(metrics.contentType).send(await metrics.text()))
}
