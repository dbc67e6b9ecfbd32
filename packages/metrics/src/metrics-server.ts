import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mayScrape, type ScrapeTokens } from './may-scrape.ts'
import type { Metrics } from './metrics.ts'

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
  const server = createServer((request, response) => {
    const end = (status: number, body: string, headers = {}) => response.writeHead(status, headers).end(body)
    if (!mayScrape(request.headers, request.socket.remoteAddress, tokens)) return end(401, 'This needs METRICS_TOKEN\n', { 'www-authenticate': 'Bearer realm="metrics"' })
    if (request.method !== 'GET' || request.url?.split('?', 1)[0] !== '/metrics') return end(404, 'Only GET /metrics is here\n')
    metrics.text().then(
      text => end(200, text, { 'content-type': metrics.contentType }),
      error => end(500, `${error}\n`)
    )
  })
  const hasToken = tokens.METRICS_TOKEN !== undefined || tokens.ADMIN_TOKEN !== undefined
  server.listen({ host: hasToken ? host : '127.0.0.1', port })
  await once(server, 'listening')
  return { url: urlOf(server), close: async () => await close(server) }
}

function urlOf (server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/metrics`
}

async function close (server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
