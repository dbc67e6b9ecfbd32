import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { t } from 'tap'
import { continueTrace, markEvent, span, startTracing, traceparent, traceRequest } from '../src/index.ts'

/** The example of the W3C recommendation (Trace Context, 3.2.3). */
const EXAMPLE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

t.test('without startTracing() work is run as it is', async t => {
  traceRequest('GET /', () => {
    t.same(traceparent(), {})
    markEvent('first byte')
  })({})
  for (const traceparent of [EXAMPLE, undefined, 1]) {
    t.equal(await continueTrace({ traceparent, attributes: {} }, async () => await span('probe', async () => 'done')), 'done')
  }
})

t.test('an error ends its spans, and a collector that refuses them is warned about', async t => {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    bodies.push(await text(request))
    response.writeHead(400).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const warnings: string[] = []
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const stop = await startTracing({ service: 'test', version: '1', endpoint, log: { warn: message => warnings.push(message) } })
  t.equal(await continueTrace({ traceparent: 'no trace', attributes: {} }, async () => await span('probe', async () => 'done')), 'done')
  await t.rejects(continueTrace({ traceparent: EXAMPLE, attributes: {} }, async () => {
    await span('probe', async () => { throw new Error('No audio stream') })
  }), { message: 'No audio stream' })
  await stop()
  const spans = bodies.flatMap(body => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans)
  t.match(spans, [{ name: 'probe' }, { name: 'job' }])
  for (const { traceId, status } of spans) {
    t.match({ traceId, status }, { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', status: { code: 2, message: 'No audio stream' } })
  }
  t.match(warnings, [/^Traces are not sent: /])
})
