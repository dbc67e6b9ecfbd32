import type { ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether this replica is about to stop. */
    isStopping: boolean
    /**
     * Tells proxies to send requests elsewhere, and answers all that still come: /health/ready says 503, and each response
     * closes its connection.
     *
     * @returns after a second; then the app may be closed
     */
    stopGently (): Promise<void>
  }
}

/** Proxies that check readiness, or reuse connections, have noticed by then. */
const NOTICE_MS = 1000

/** The end of a replica while the others go on. After stopGently(), close() lets responses that run go on. */
export const stoppingPlugin = fp(async app => {
  app.decorate('isStopping', false)
  app.decorate('stopGently', async () => {
    app.isStopping = true
    // Added only now, so that no request before runs it.
    app.server.prependListener('request', (_request, response: ServerResponse) => { response.setHeader('connection', 'close') })
    await setTimeout(NOTICE_MS)
  })
}, { name: 'stopping' })
