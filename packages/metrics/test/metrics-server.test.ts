import { t } from 'tap'
import { http } from '../../../test/fixtures/http.ts'
import { Metrics } from '../src/metrics.ts'
import { startMetricsServer } from '../src/metrics-server.ts'

const metrics = new Metrics({ service: 'worker', version: '1.2.3', ping: async () => {} })

t.test('either token is accepted, and nothing else', async t => {
  const tokens = { METRICS_TOKEN: 'of-prometheus', ADMIN_TOKEN: 'of-the-admin' }
  const server = await startMetricsServer(metrics, { host: '127.0.0.1', port: 0, tokens })
  t.teardown(() => server.close())
  const get = async (authorization?: string, path = '/metrics') =>
    (await http(server.url, path, { headers: authorization === undefined ? {} : { authorization } }))
  t.match(await get('Bearer of-prometheus'), { status: 200, headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } })
  t.match(await get('bearer of-the-admin'), { status: 200 })
  for (const wrong of [undefined, 'Bearer wrong', 'Bearer ', 'Basic of-prometheus', 'Bearer of-prometheus2']) {
    t.match(await get(wrong), { status: 401, headers: { 'www-authenticate': /^Bearer/ } }, `${wrong}`)
  }
  t.match(await get('Bearer of-prometheus', '/'), { status: 404 })
})

t.test('an address that sends many wrong tokens gets 429, and the right token still opens', async t => {
  const server = await startMetricsServer(metrics, { host: '127.0.0.1', port: 0, tokens: { ADMIN_TOKEN: 'of-the-admin' } })
  t.teardown(() => server.close())
  const get = async (token: string, path = '/metrics') => await http(server.url, path, { headers: { authorization: `Bearer ${token}` } })
  for (let i = 0; i < 20; i++) t.equal((await get(`wrong-${i}`)).status, 401)
  for (const path of ['/metrics', '/']) t.match(await get('wrong', path), { status: 429, headers: { 'retry-after': /^[1-6]?\d$/ } })
  t.equal((await http(server.url, '/metrics')).status, 401, 'a request without a token is no guess')
  t.equal((await get('of-the-admin')).status, 200)
})

t.test('without a token it listens on loopback only, and refuses the names of other sites', async t => {
  const server = await startMetricsServer(metrics, { host: '0.0.0.0', port: 0, tokens: {} })
  t.teardown(() => server.close())
  t.equal(new URL(server.url).hostname, '127.0.0.1')
  t.equal((await http(server.url, '/metrics')).status, 200)
  t.equal((await http(server.url, '/metrics', { headers: { host: 'localhost:9464' } })).status, 200)
  t.equal((await http(server.url, '/metrics', { headers: { host: 'evil.example:9464' } })).status, 401)
})

t.test('a port that is in use is an error', async t => {
  const server = await startMetricsServer(metrics, { host: '127.0.0.1', port: 0, tokens: {} })
  t.teardown(() => server.close())
  const port = Number(new URL(server.url).port)
  await t.rejects(startMetricsServer(metrics, { host: '127.0.0.1', port, tokens: {} }), { code: 'EADDRINUSE' })
})
