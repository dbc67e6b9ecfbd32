import { wrongTokensPlugin } from '@mixtape/access'
import type { Metrics } from './metrics.ts'
import { requireScraper, type ScrapeTokens } from './require-scraper.ts'

export interface MetricsServer {
  /** Of the metrics. */
  url: string
  close (): Promise<void>
}

/**
 * Answers GET /metrics on a port of its own.
 *
 * @param options.host loopback is taken instead where there is no token
 * @throws where the port is in use
 */
export async function startMetricsServer (
  metrics: Metrics, { host, port, tokens }: { host: string, port: number, tokens: ScrapeTokens }
): Promise<MetricsServer> {
  // A worker without METRICS_PORT, which needs no Fastify, starts without loading it.
  const { fastify } = await import('fastify')
  const app = fastify({ forceCloseConnections: true })
  await app.register(wrongTokensPlugin)
  app.addHook('onRequest', requireScraper(tokens)) // also for paths where nothing is
  app.get('/metrics', async (_request, reply) => await reply.type(metrics.contentType).send(await metrics.text()))
  const hasToken = tokens.METRICS_TOKEN !== undefined || tokens.ADMIN_TOKEN !== undefined
  const origin = await app.listen({ host: hasToken ? host : '127.0.0.1', port })
  return { url: `${origin}/metrics`, close: async () => await app.close() }
}
