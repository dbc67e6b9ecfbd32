import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { t } from 'tap'
import { freePort } from '../../../scripts/free-port.js'
import { build } from '../../../test/fixtures/app.ts'
import { http } from '../../../test/fixtures/http.ts'
import { queueFixture } from '../../../test/fixtures/queue.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { until } from '../../../test/fixtures/services.ts'
import { FirstByteTimes } from '../src/metrics/first-byte-times.ts'

/** @returns a function that tells the value of a series at this scrape; undefined where it is absent */
async function scrape (url: string): Promise<(series: string) => number | undefined> {
  const lines = `${(await http(url, '/metrics')).body}`.split('\n')
  return series => {
    const line = lines.find(line => line.startsWith(`${series} `))
    return line === undefined ? undefined : Number(line.slice(series.length + 1))
  }
}

/** @returns the value of a series at a scrape of its own */
async function value (url: string, series: string): Promise<number | undefined> {
  return (await scrape(url))(series)
}

const requests = (route: string, quality: string, outcome: string, reason: string) =>
  `mixtape_requests_total{route="${route}",quality="${quality}",outcome="${outcome}",reason="${reason}"}`

t.test('a bucket of the times to the first byte counts those below it too', async t => {
  const registry = new Registry()
  const times = new FirstByteTimes(registry)
  for (const seconds of [0.001, 0.0015, 0.0025, 7, 11, 500]) times.add('hit', seconds)
  times.add('live', 0.3)
  const lines = (await registry.metrics()).split('\n')
  const told = (series: string) => Number(lines.find(line => line.startsWith(`mixtape_first_byte_seconds_${series} `))?.split(' ').at(-1))
  t.ok(lines.includes('# TYPE mixtape_first_byte_seconds histogram'))
  for (const [le, count] of Object.entries({ 0.001: 1, 0.0025: 3, 0.005: 3, 5: 3, 10: 4, '+Inf': 6 })) {
    t.equal(told(`bucket{le="${le}",outcome="hit"}`), count, le)
  }
  t.equal(told('count{outcome="hit"}'), 6)
  t.ok(Math.abs(told('sum{outcome="hit"}') - 518.005) < 1e-6)
  t.equal(told('bucket{le="0.25",outcome="live"}'), 0)
  t.equal(told('bucket{le="0.5",outcome="live"}'), 1)
  t.equal(told('count{outcome="miss"}'), 0)
})

t.test('requests are counted by the pattern of their route, and by what they got', async t => {
  const { url, music, cache } = await build(t)
  writeFileSync(join(music, 'a.flac'), 'a track')
  writeFileSync(join(music, 'b.flac'), 'another track')
  writeFileSync(join(cache, 'a_low.mp3'), 'its MP3')
  await http(url, '/play/a.flac?quality=low')
  await http(url, '/play/a.flac?quality=low', { headers: { range: 'bytes=0-1' } })
  await http(url, '/play/a.flac?quality=low', { headers: { range: 'bytes=100-' } })
  await http(url, '/play/a.flac?quality=low', { method: 'HEAD' })
  await http(url, '/play/b.flac?quality=high')
  await http(url, '/play/b.flac')
  await http(url, '/play/c.flac')
  await http(url, '/play/b.flac?quality=best')
  await http(url, '/hls/b.flac/low.m3u8')
  await http(url, '/library')
  await http(url, '/nowhere')
  const told = await scrape(url)
  t.equal(told(requests('/play/*', 'low', 'hit', 'hit')), 3)
  t.equal(told(requests('/play/*', 'low', 'error', '416')), 1)
  t.equal(told(requests('/play/*', 'high', 'miss', 'absent')), 1)
  t.equal(told(requests('/play/*', 'original', 'original', 'original')), 1)
  t.equal(told(requests('/play/*', '', 'error', '404')), 1)
  t.equal(told(requests('/play/*', '', 'error', '400')), 1)
  t.equal(told(requests('/hls/*', 'low', 'queued', 'absent')), 1)
  t.equal(told(requests('/library', '', 'ok', '200')), 1)
  t.equal(told(requests('none', '', 'error', '404')), 1)
  t.equal(told('mixtape_sent_bytes_total{representation="low"}'), 'its MP3'.length + 2)
  t.equal(told('mixtape_sent_bytes_total{representation="original"}'), 2 * 'another track'.length)
  t.equal(told('mixtape_first_byte_seconds_count{outcome="hit"}'), 2)
})

t.test('an open stream is one, until its client leaves, and counts what it got', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'a.flac'), Buffer.alloc(64 * 1024 * 1024))
  const request = get(`${url}/play/a.flac`)
  const [response] = await once(request, 'response')
  await once(response, 'readable')
  t.equal(await value(url, 'mixtape_open_streams{representation="original"}'), 1)
  request.destroy()
  await until(async () => await value(url, 'mixtape_open_streams{representation="original"}') === 0)
  t.equal(await value(url, requests('/play/*', 'original', 'original', 'original')), 1)
  const sent = await value(url, 'mixtape_sent_bytes_total{representation="original"}') ?? 0
  t.ok(sent > 0 && sent < 64 * 1024 * 1024, `${sent} bytes`)

  const events = get(`${url}/admin/overview/events`)
  await once(events, 'response')
  t.equal(await value(url, 'mixtape_event_streams'), 1)
  events.destroy()
  await until(async () => await value(url, 'mixtape_event_streams') === 0)
})

t.test('queue, workers and cache are told while Redis answers, and are absent while it does not', async t => {
  const redis = await testRedis(t)
  const { producer } = queueFixture(t, redis.url)
  const { url } = await build(t, { REDIS_URL: redis.url, AUDIO_CACHE_MAX_SIZE: '1GB' })
  await until(async () => await value(url, 'mixtape_redis_up') === 1)
  await producer.enqueue({ path: 'a.flac', quality: 'low', reason: 'mixtape' })
  const told = await scrape(url)
  t.equal(told('mixtape_queue_waiting_jobs{lane="mixtape"}'), 1)
  t.ok((told('mixtape_queue_oldest_seconds{lane="mixtape"}') ?? -1) >= 0)
  t.equal(told('mixtape_workers{state="ready"}'), 0)
  t.equal(told('mixtape_cache_limit_bytes'), 1e9)
  t.equal(told('mixtape_cache_full'), 0)
  redis.child.kill('SIGSTOP')
  t.teardown(() => redis.child.kill('SIGCONT'))
  const toldHanging = await scrape(url)
  t.equal(toldHanging('mixtape_redis_up'), 0, 'it hangs')
  for (const series of ['mixtape_queue_waiting_jobs{lane="mixtape"}', 'mixtape_queue_paused', 'mixtape_workers{state="ready"}', 'mixtape_cache_full']) {
    t.equal(toldHanging(series), undefined, series)
  }
  t.ok((toldHanging('mixtape_cache_disk_free_bytes') ?? 0) > 0)
  redis.child.kill('SIGCONT')
})

t.test('METRICS_PORT moves the metrics to a port of their own, and METRICS_TOKEN guards them', async t => {
  const port = await freePort()
  const { url } = await build(t, { METRICS_PORT: `${port}`, METRICS_TOKEN: 'secret' })
  t.equal((await http(url, '/metrics')).status, 404)
  t.equal((await http(`http://127.0.0.1:${port}`, '/metrics')).status, 401)
  t.equal((await http(`http://127.0.0.1:${port}`, '/metrics', { headers: { authorization: 'Bearer secret' } })).status, 200)
  const guarded = await build(t, { ADMIN_TOKEN: 'secret' })
  t.equal((await http(guarded.url, '/metrics')).status, 401)
  t.equal((await http(guarded.url, '/metrics', { headers: { authorization: 'Bearer secret' } })).status, 200)
})
