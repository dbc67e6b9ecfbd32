import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { t, type Test } from 'tap'
import { freePort } from '../scripts/free-port.js'
import { testFolder } from './fixtures/folder.ts'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { startStreaming, startWorker, until } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

const deploy = (path: string) => fileURLToPath(new URL(`../deploy/${path}`, import.meta.url))
const TOKEN = 'secret-of-prometheus'
const headers = { authorization: `Bearer ${TOKEN}` }

/** Starts Prometheus with the shipped configuration. Only its targets and its intervals are other ones. @returns its URL */
async function startPrometheus (t: Test, targets: { streaming: string, worker: string }): Promise<string> {
  const dir = testFolder(t, { 'metrics-token': TOKEN })
  copyFileSync(deploy('prometheus/alerts.yml'), join(dir, 'alerts.yml'))
  copyFileSync(deploy('prometheus/prometheus.yml'), join(dir, 'shipped.yml'))
  const config = readFileSync(deploy('prometheus/prometheus.yml'), 'utf8').replaceAll('15s', '1s')
    .replaceAll(/dns_sd_configs: \[\{ names: \[(\w+)\].*/g, (_, name: 'streaming' | 'worker') => `static_configs: [{ targets: ["${new URL(targets[name]).host}"] }]`)
  writeFileSync(join(dir, 'prometheus.yml'), config)
  for (const file of ['shipped.yml', 'prometheus.yml']) {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', join(dir, file)], { encoding: 'utf8' })
    t.equal(status, 0, `${stdout}${stderr}`)
  }
  const port = await freePort()
  const child = spawn('prometheus', [
    `--config.file=${dir}/prometheus.yml`, `--storage.tsdb.path=${dir}/data`, `--web.listen-address=127.0.0.1:${port}`
  ], { stdio: 'ignore' })
  t.teardown(async () => {
    child.kill()
    await once(child, 'exit')
  })
  const url = `http://127.0.0.1:${port}`
  await until(async () => await http(url, '/-/ready').then(({ status }) => status === 200, () => false))
  return url
}

/** @returns the PromQL of the dashboard and of the alerts */
function expressions (): string[] {
  const { panels } = JSON.parse(readFileSync(deploy('grafana/dashboard.json'), 'utf8')) as { panels: { targets?: { expr: string }[] }[] }
  const alerts = readFileSync(deploy('prometheus/alerts.yml'), 'utf8')
  return [
    ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m'))),
    ...[...alerts.matchAll(/^ +expr: (.*)$/gm)].map(([, expr = '']) => expr)
  ]
}

t.test('Prometheus scrapes both services, and finds every series of the dashboard and the alerts', async t => {
  const { music, env } = await liveSite(t)
  const options = { ...env, AUDIO_CACHE_MAX_SIZE: '1GB', METRICS_TOKEN: TOKEN }
  const [streaming, worker] = await Promise.all([startStreaming(t, options), startWorker(t, { ...options, METRICS_PORT: '0' })])
  const [, workerUrl = ''] = await worker.logged(/Metrics at (http:[^"]+)/)
  const prometheus = await startPrometheus(t, { streaming: streaming.url, worker: workerUrl })

  makeTrack(join(music, 'a.flac'))
  const cold = await http(streaming.url, '/play/a.flac?quality=low')
  t.match(cold.headers['cache-status'], 'live')
  await worker.logged(/Cached: a.flac/)
  const warm = await http(streaming.url, '/play/a.flac?quality=low')
  t.equal(warm.headers['cache-status'], 'mixtape; hit')
  await http(streaming.url, '/play/gone.flac')

  const query = async (expr: string) => (await http(prometheus, `/api/v1/query?query=${encodeURIComponent(expr)}`)).json()
  const value = async (selector: string) => Number((await query(`sum(${selector})`)).data.result[0]?.value[1])
  await until(async () => await value('mixtape_jobs_total{result="completed"}') >= 1)
  await until(async () => await value('mixtape_requests_total{outcome="error",reason="404"}') === 1)
  t.equal(await value('up'), 2)
  t.equal(await value('mixtape_redis_up'), 2)
  t.equal(await value('mixtape_requests_total{route="/play/*",quality="low",outcome="live",reason="live"}'), 1)
  t.equal(await value('mixtape_requests_total{route="/play/*",quality="low",outcome="hit",reason="hit"}'), 1)
  t.equal(await value('mixtape_sent_bytes_total{representation="low"}'), cold.body.length + warm.body.length)
  t.equal(await value('mixtape_cache_bytes{level="low"}'), warm.body.length)

  const { data: known } = (await http(prometheus, '/api/v1/label/__name__/values')).json() as { data: string[] }
  for (const expr of expressions()) {
    t.equal((await query(expr)).status, 'success', expr)
    const names = expr.match(/\b(mixtape|nodejs|process)_\w+|\bup\b/g) ?? []
    t.ok(names.length > 0, expr)
    for (const name of names) t.ok(known.includes(name), name)
  }
  const { groups } = (await http(prometheus, '/api/v1/rules')).json().data
  for (const { name, health, lastError = '' } of groups[0].rules) t.equal(health, 'ok', `${name} ${lastError}`)

  for (const url of [`${streaming.url}/metrics`, workerUrl]) {
    t.equal((await http(url, '/metrics')).status, 401, 'a token is needed')
    const { body } = await http(url, '/metrics', { headers })
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' })
    t.equal(status, 0, `${stdout}${stderr}`)
  }
})
