import fp from 'fastify-plugin'
import { projectVersion } from '@mixtape/config'
import { Metrics, startMetricsServer } from '@mixtape/metrics'
import { watchCache } from '../metrics/cache.ts'
import { watchQueue } from '../metrics/queue.ts'

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics
  }
}

/** What Prometheus is told, at a port of its own where METRICS_PORT says so; else see routes/metrics.ts. */
export const metricsPlugin = fp(async app => {
  const { HOST: host, METRICS_PORT: port } = app.config
  const metrics = new Metrics({ service: 'streaming', version: projectVersion(), ping: async () => await app.redis.ping() })
  watchQueue(metrics, app)
  watchCache(metrics, app)
  app.decorate('metrics', metrics)
  if (port === undefined) return
  app.addHook('onReady', async () => {
    const server = await startMetricsServer(metrics, { host, port, tokens: app.config })
    app.log.info(`Metrics at ${server.url}`)
    app.addHook('onClose', async () => { await server.close() })
  })
}, { name: 'metrics', dependencies: ['audio-files', 'transcode-queue', 'statistics'] })
