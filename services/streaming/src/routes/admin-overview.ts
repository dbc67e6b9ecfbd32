import { setTimeout } from 'node:timers/promises'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Span } from '@mixtape/statistics'
import { Overview } from '../overview/overview.ts'
import { trafficHistory } from '../overview/traffic.ts'
import { adminErrors, errors } from '../schemas/errors.ts'
import { overviewSchema, TRAFFIC_QUERY_ALLOWED, trafficQuery, trafficSchema } from '../schemas/overview.ts'
import { queryErrors } from '../schemas/query-errors.ts'

/** How often a watching client gets what has changed. */
const UPDATE_MS = 1000

const eventsSchema = {
  tags: ['overview'],
  summary: 'Server-Sent Events: the overview as it is, then again whenever it has changed',
  response: { 200: { description: 'Events', content: { 'text/event-stream': { schema: overviewSchema } } }, ...adminErrors }
}

/** /admin/overview: all that the page at /admin/ shows, once or live. /admin/traffic: its history. */
export const adminOverviewRoutes: FastifyPluginAsyncTypebox = async function (app) {
  const overview = new Overview(app)
  app.addHook('onRequest', app.requireAdmin)

  app.get('/admin/overview', {
    schema: { tags: ['overview'], summary: 'Traffic, listeners, queue, workers, failures and cache', response: { 200: overviewSchema, ...adminErrors } }
  }, async () => await overview.read())

  app.get('/admin/overview/events', { schema: eventsSchema, sse: { kind: 'only' }, exposeHeadRoute: false } as { schema: typeof eventsSchema }, async (request, reply) => {
    const signal = app.untilStreamEnds(reply)
    let last = ''
    const send = async () => {
      const data = await overview.read()
      const text = JSON.stringify(data)
      if (text !== last) await reply.sse.send({ data })
      last = text
    }
    try {
      for (;;) {
        await send()
        await setTimeout(UPDATE_MS, undefined, { signal })
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  })

  app.get('/admin/traffic', {
    schema: {
      tags: ['overview'],
      summary: 'Plays and bytes of the last hour, day or month',
      querystring: trafficQuery,
      response: { 200: trafficSchema, ...errors(400, 503), ...adminErrors }
    },
    schemaErrorFormatter: queryErrors(TRAFFIC_QUERY_ALLOWED),
    preHandler: app.requireRedis
  }, async request => {
    await app.playCounts.flush()
    return await trafficHistory(app, (request.query.span ?? 'hour') as Span)
  })
}
