import fp from 'fastify-plugin'
import { projectVersion } from '@mixtape/config'
import { startTracing, traceRequest } from '@mixtape/tracing'

const TRACED_ROUTES = ['/play/*', '/hls/*']

/** With OTEL_EXPORTER_OTLP_ENDPOINT, traces the requests that miss, and what becomes of their jobs. */
export const tracingPlugin = fp(async app => {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = app.config
  if (endpoint === undefined) return
  const stop = await startTracing({ service: 'streaming', version: projectVersion(), endpoint, log: app.log })
  app.addHook('onClose', stop)
  app.addHook('onRequest', (request, reply, done) => {
    const { method, id, routeOptions: { url: route = '' } } = request
    if (!TRACED_ROUTES.includes(route)) return done()
    const end = traceRequest(`${method} ${route}`, done)
    reply.raw.once('close', () => {
      end({
        'http.request.method': method,
        'http.route': route,
        'http.response.status_code': reply.raw.statusCode,
        'mixtape.request_id': id,
        ...request.served && { 'mixtape.quality': request.served.quality, 'mixtape.outcome': request.served.outcome }
      })
    })
  })
}, { name: 'tracing' })
