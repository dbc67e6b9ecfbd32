import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { join } from 'node:path'
import { t, type Test } from 'tap'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { startStreaming, startWorker } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

interface Span {
  service: string
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  attributes: { key: string, value: object }[]
  events: { name: string }[]
}

/** Starts a collector of OTLP in JSON. @returns its URL, and all spans that it got */
async function startCollector (t: Test) {
  const spans: Span[] = []
  const server = createServer(async (request, response) => {
    t.equal(request.url, '/v1/traces')
    const { resourceSpans } = await json(request) as any
    for (const { resource, scopeSpans } of resourceSpans) {
      const { stringValue: service } = resource.attributes.find(({ key }: { key: string }) => key === 'service.name').value
      for (const scope of scopeSpans) for (const span of scope.spans) spans.push({ service, ...span })
    }
    response.setHeader('content-type', 'application/json').end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans }
}

/** Starts both services and a collector, with a track `a.flac`. */
async function setUp (t: Test) {
  const { music, env } = await liveSite(t)
  const { url, spans } = await startCollector(t)
  const traced = { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: url }
  const [streaming, worker] = await Promise.all([startStreaming(t, traced), startWorker(t, traced)])
  makeTrack(join(music, 'a.flac'))
  /** @returns the only span with a name */
  const named = (name: string) => {
    const [span, ...others] = spans.filter(span => span.name === name)
    if (!span || others.length > 0) throw new Error(`There are ${others.length + (span ? 1 : 0)} spans ${name}`)
    return span
  }
  return { streaming, worker, spans, named }
}

t.test('a miss is one trace, from the request to the published file', async t => {
  const { streaming, worker, spans, named } = await setUp(t)
  const path = '/play/a.flac?quality=low'
  t.match((await http(streaming.url, path, { headers: { 'x-request-id': 'cold' } })).headers, { 'cache-status': /fwd=miss; stored/ })
  await worker.logged(/Cached: a\.flac/)
  t.match((await http(streaming.url, path)).headers, { 'cache-status': 'mixtape; hit' })
  // What they have not sent yet, they send when they end.
  t.same(await Promise.all([streaming.stop(), worker.stop()]), [0, 0])

  t.same(spans.map(({ name, service }) => `${service} ${name}`).sort(), [
    'mixtape-streaming GET /play/*', 'mixtape-worker ffmpeg', 'mixtape-worker job', 'mixtape-worker probe', 'mixtape-worker publish',
    'mixtape-worker queue'
  ], 'the hit is in no trace')
  const request = named('GET /play/*')
  const job = named('job')
  t.same(new Set(spans.map(span => span.traceId)), new Set([request.traceId]))
  t.notOk(request.parentSpanId)
  for (const name of ['queue', 'job']) t.equal(named(name).parentSpanId, request.spanId, name)
  for (const name of ['probe', 'ffmpeg', 'publish']) t.equal(named(name).parentSpanId, job.spanId, name)
  for (const span of [request, named('ffmpeg')]) t.match(span.events, [{ name: 'first byte' }])
  t.match(Object.fromEntries(request.attributes.map(({ key, value }) => [key, value])), {
    'mixtape.request_id': { stringValue: 'cold' }, 'mixtape.outcome': { stringValue: 'live' }, 'http.response.status_code': { intValue: 200 }
  })
  const [line = ''] = worker.lines.filter(line => line.includes('Cached: '))
  t.match(JSON.parse(line).traceparent, new RegExp(`^00-${request.traceId}-${request.spanId}-01$`))
})

t.test('a segment of HLS that misses is one trace with its job', async t => {
  const { streaming, worker, spans, named } = await setUp(t)
  // A player has kept its playlist, and the cache was cleared since.
  t.match(await http(streaming.url, '/hls/a.flac/low/0123456789abcdef/0.mp3'), { status: 307, headers: { location: /^\.\.\/[\da-f]{16}\/0\.mp3$/ } })
  await worker.logged(/Cached: a\.flac/)
  t.same(await Promise.all([streaming.stop(), worker.stop()]), [0, 0])

  const request = named('GET /hls/*')
  t.same(new Set(spans.map(span => span.traceId)), new Set([request.traceId]))
  for (const name of ['queue', 'job']) t.equal(named(name).parentSpanId, request.spanId, name)
  for (const name of ['probe', 'ffmpeg', 'publish']) t.equal(named(name).parentSpanId, named('job').spanId, name)
  t.match(Object.fromEntries(request.attributes.map(({ key, value }) => [key, value])), {
    'mixtape.quality': { stringValue: 'low' }, 'http.response.status_code': { intValue: 307 }
  })
})
