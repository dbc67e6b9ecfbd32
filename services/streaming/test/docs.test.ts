import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { t, type Test } from 'tap'
import { build } from '../../../test/fixtures/app.ts'
import { http, whenReady } from '../../../test/fixtures/http.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'

/** Routes that the description leaves out: the pages, their files, and the description itself. */
const NOT_DESCRIBED = /^\/(|browse\/\*|queue|edit|mixtape(\/:slug)?|files\.json|admin\/?|docs(\/.*)?|app\/.*|(admin\/)?[\w-]+\.(html|css|svg|png|webmanifest)|\*)$/

const ajv = new Ajv2020({ strict: false, validateFormats: false })

/** @returns the errors of a value, in words; empty where it has none */
function problems (schema: object, value: unknown): string {
  return ajv.validate(schema, value) ? '' : ajv.errorsText()
}

async function describedApp (t: Test, env: Record<string, string> = {}) {
  const routes: RouteOptions[] = []
  const collect = (message: unknown) => {
    (message as { fastify: FastifyInstance }).fastify.addHook('onRoute', route => { routes.push(route) })
  }
  subscribe('fastify.initialization', collect)
  const site = await build(t, env)
  unsubscribe('fastify.initialization', collect)
  const description = (await http(site.url, '/docs/json')).json()
  return { ...site, routes, description }
}

t.test('the description has all routes, and no others', async t => {
  const { routes, description } = await describedApp(t)
  const registered = routes.filter(({ url }) => !NOT_DESCRIBED.test(url)).flatMap(({ method, url }) => [method].flat()
    .filter(name => name !== 'HEAD' && name !== 'OPTIONS')
    .map(name => `${name} ${url.replace('*', '{path}').replaceAll(/:(\w+)/g, '{$1}')}`))
  const described = Object.entries<object>(description.paths)
    .flatMap(([path, operations]) => Object.keys(operations).map(method => `${method.toUpperCase()} ${path}`))
  t.same(described.sort(), registered.sort())
})

t.test('each operation has a summary, described parameters, errors, and examples that match their schemas', async t => {
  const { description: { paths, tags, components } } = await describedApp(t)
  t.ok(components.securitySchemes.adminToken)
  for (const [path, operations] of Object.entries<any>(paths)) {
    for (const [method, { summary, tags: [tag], parameters = [], requestBody, responses, security }] of Object.entries<any>(operations)) {
      const name = `${method} ${path}`
      t.ok(summary, `${name} has a summary`)
      t.ok(tags.some((known: { name: string }) => known.name === tag), `${name} has a known tag`)
      for (const parameter of parameters) t.ok(parameter.description && parameter.example !== undefined, `${name} ${parameter.name}`)
      t.equal('401' in responses, security !== undefined, `${name} says whether it needs the token`)
      const bodies = Object.values<any>(responses).map(({ content }) => content)
      for (const content of [requestBody?.content, ...bodies]) {
        const json = content?.['application/json']
        if (json) t.equal(problems(json.schema, json.example), '', `${name} has an example`)
      }
    }
  }
})

t.test('answers are as described', async t => {
  const redis = await testRedis(t)
  const { url, music, cache, description } = await describedApp(t, { REDIS_URL: redis.url })
  await whenReady(url)
  writeFileSync(join(music, 'a.flac'), 'a track')
  writeFileSync(join(cache, 'a_low.mp3'), 'its transcode')
  const operations = Object.entries<any>(description.paths).map(([path, operations]) => ({
    pattern: new RegExp(`^${path.replace('{path}', '.+').replace(/\{(slug|id)\}/, '[^/]+')}$`), operations
  }))

  /** Sends a request, and compares the answer with the description. */
  async function answer (request: string, status: number, options: { headers?: Record<string, string>, body?: unknown } = {}) {
    const [method = '', path = ''] = request.split(' ')
    const operation = operations.find(({ pattern }) => pattern.test(path.split('?', 1)[0] ?? ''))?.operations[method.toLowerCase()]
    const { status: got, headers, body } = await http(url, path, { method, ...options })
    t.equal(got, status, request)
    const described = operation?.responses[status]
    if (!t.ok(described, `${request}: ${status} is described`)) return
    const type = `${headers['content-type'] ?? ''}`.split(';', 1)[0] ?? ''
    const { schema } = described.content?.[type] ?? {}
    if (type === 'application/json') t.equal(problems(schema, JSON.parse(`${body}`)), '', request)
    else if (type === 'text/event-stream') t.equal(problems(schema, JSON.parse(/^data: (.*)$/m.exec(`${body}`)?.[1] ?? '')), '', request)
    else if (body.length > 0) t.ok(schema ?? described.content?.[type.replace(/\/.*/, '/*')], `${request}: ${type} is described`)
  }

  await answer('GET /play/a.flac', 200)
  await answer('GET /play/a.flac?quality=low', 206, { headers: { range: 'bytes=0-1' } })
  await answer('GET /play/a.flac', 416, { headers: { range: 'bytes=100-' } })
  await answer('GET /play/a.flac', 412, { headers: { 'if-match': '"other"' } })
  await answer('GET /play/a.flac?quality=best', 400)
  await answer('GET /play/b.flac', 404)
  await answer('GET /hls/b.flac.m3u8', 404)
  await answer('GET /library', 200)
  await answer('GET /library/a.flac', 200)
  await answer('GET /library/b', 404)
  await answer('GET /library?limit=0', 400)
  await answer('GET /cover/a.flac', 404)
  await answer('GET /cover?size=1', 400)
  await answer('PUT /mixtapes/summer', 202, { body: { tracks: [{ path: 'a.flac' }, { path: 'b.flac' }] } })
  await answer('PUT /mixtapes/summer', 400, { body: {} })
  await answer('PUT /mixtapes/summer', 415, { body: { tracks: [] }, headers: { 'content-type': 'text/plain' } })
  await answer('PUT /mixtapes/empty', 202, { body: { title: 'Empty', tracks: [] } })
  await answer('GET /mixtapes', 200)
  await answer('GET /mixtapes/summer', 200)
  await answer('GET /mixtapes/winter', 404)
  await answer('GET /mixtapes/empty/events', 200)
  await answer('DELETE /mixtapes/empty', 204)
  await answer('GET /admin/cache/stats', 200)
  await answer('POST /admin/cache/clear?dry_run=true', 200)
  await answer('POST /admin/cache/clear?quality=best', 400)
  await answer('GET /admin/cache/eviction', 200)
  await answer('GET /admin/overview', 200)
  await answer('GET /admin/traffic?span=day', 200)
  await answer('GET /admin/traffic?span=year', 400)
  await answer('POST /admin/precache?path=&quality=low', 202)
  await answer('POST /admin/precache?mixtape=summer', 202)
  await answer('POST /admin/precache?path=b', 404)
  await answer('POST /admin/precache', 400)
  await answer('POST /admin/nightly', 202)
  await answer('POST /admin/workers/gone/drain', 404)
  await answer('POST /admin/workers/gone/resume', 404)
  await answer('GET /admin/tracks/a.flac', 200)
  await answer('GET /admin/tracks/a.txt', 400)
  await answer('POST /admin/queue/pause', 200)
  await answer('POST /admin/queue/resume', 200, { headers: { origin: url } })
  await answer('POST /admin/queue/resume', 403, { headers: { origin: 'http://evil.example' } })
  await answer('GET /admin/queue', 200)
  await answer('GET /admin/workers', 200)
  await answer('GET /admin/failed', 200)
  await answer('POST /admin/failed/retry?path=a.flac', 404)
  await answer('POST /admin/failed/dismiss', 200)
  await answer('GET /metrics', 200)
  await answer('GET /metrics', 401, { headers: { host: 'evil.example' } })
  await answer('GET /health/live', 200)
  const events = await fetch(`${url}/admin/overview/events`)
  const { value } = await (events.body as ReadableStream<Uint8Array>).getReader().read()
  const event = JSON.parse(/^data: (.*)$/m.exec(Buffer.from(value ?? []).toString())?.[1] ?? '')
  t.equal(problems(description.paths['/admin/overview/events'].get.responses['200'].content['text/event-stream'].schema, event), '')
  await answer('GET /health/ready', 200)
  await answer('GET /health', 200)
})

t.test('the page of the description needs no script of its own, and nothing from elsewhere', async t => {
  const { url } = await build(t, { ADMIN_TOKEN: 'secret' })
  const { status, headers, body } = await http(url, '/docs')
  t.equal(status, 200)
  t.match(headers['content-security-policy'], /^default-src 'none';script-src 'self';style-src 'self';/)
  t.notMatch(`${body}`, /<script>|https?:/)
})
