import sse from '@fastify/sse'
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { Gauge } from 'prom-client'

declare module 'fastify' {
  interface FastifyInstance {
    /** @returns a signal for Server-Sent Events, which is aborted when the client has left, and when the service stops */
    untilStreamEnds (reply: FastifyReply): AbortSignal
  }
}

/** Proxies close a connection on which nothing was sent for a minute. */
const HEARTBEAT_MS = 15_000

/** Server-Sent Events. */
export const eventStreamsPlugin = fp(async app => {
  await app.register(sse as never, { heartbeatInterval: HEARTBEAT_MS })
  const closing = new AbortController()
  const open = new Gauge({
    name: 'mixtape_event_streams', help: 'Open streams of Server-Sent Events.', registers: [app.metrics.registry]
  })
  // Open streams must not keep the service from stopping. Browsers connect again by themselves, to the next process.
  app.addHook('preClose', async () => { closing.abort() })
  app.decorate('untilStreamEnds', ({ raw, request: { raw: { socket } } }: FastifyReply) => {
    if (raw.destroyed || socket.destroyed) return AbortSignal.abort() // the client has left before the stream began
    open.inc()
    const clientLeft = new AbortController()
    const leave = () => clientLeft.abort()
    // `end`: its sending side is closed (see httpAllowHalfOpen in app.ts). Only the next heartbeats would notice that it has left.
    for (const event of ['end', 'close']) socket.once(event, leave)
    raw.once('close', () => {
      open.dec()
      for (const event of ['end', 'close']) socket.off(event, leave) // a proxy uses the connection again
      leave()
    })
    return AbortSignal.any([clientLeft.signal, closing.signal])
  })
}, { name: 'event-streams', dependencies: ['metrics'] })
