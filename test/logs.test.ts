import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { startStreaming, startWorker, type Service } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

/** A name that would forge a line, and turn a terminal red. */
const EVIL = 'a\n{"level":60,"msg":"forged"}\u001b[31m.flac'

/** @returns the lines of a service with a request id */
function linesOf ({ lines }: Service, reqId: string): any[] {
  return lines.map(line => JSON.parse(line)).filter(line => line.reqId === reqId)
}

t.test('the id of a request is in all lines about it, and about its job', async t => {
  const { music, env } = await liveSite(t)
  const [streaming, worker] = await Promise.all([startStreaming(t, { ...env, LOG_REQUESTS: 'true' }), startWorker(t, env)])
  const get = async (path: string, headers = {}) => await http(streaming.url, path, { headers })
  makeTrack(join(music, 'b.flac'))
  writeFileSync(join(music, EVIL), 'no audio at all')

  const live = await get('/play/b.flac?quality=low', { 'x-request-id': 'proxy-1.A_b' })
  await worker.logged(/Cached: b\.flac/)
  await streaming.logged(/Answered/)
  t.match(linesOf(streaming, 'proxy-1.A_b'), [{ msg: /^Cache miss: b\.flac/ }, {
    msg: 'Answered',
    method: 'GET',
    url: '/play/b.flac?quality=low',
    route: '/play/*',
    status: 200,
    bytes: Number,
    ms: Number,
    quality: 'low',
    outcome: 'live',
    cacheStatus: live.headers['cache-status']
  }])
  t.ok(linesOf(streaming, 'proxy-1.A_b')[1].bytes > live.body.length, 'the body and the headers')
  t.match(linesOf(worker, 'proxy-1.A_b'), [{ msg: /^Cached: b\.flac/, job: { path: 'b.flac', quality: 'low', reason: 'miss' } }])
  t.notOk('traceparent' in linesOf(worker, 'proxy-1.A_b')[0], 'without OTEL_EXPORTER_OTLP_ENDPOINT nothing is traced')

  streaming.lines.length = 0
  await get(`/play/${encodeURIComponent(EVIL)}?quality=low`, { 'x-request-id': 'x'.repeat(65) })
  await worker.logged(/low failed/)
  const { input = '' } = await streaming.logged(/Answered/)
  const { reqId } = JSON.parse(input)
  t.match(reqId, /^[0-9a-f]{8}-[0-9a-z]+$/, 'an id that is too long is not taken over')
  t.match(linesOf(worker, reqId), [{ msg: /^low failed: .*No audio stream/, job: { path: EVIL } }])
  for (const line of [...streaming.lines, ...worker.lines]) {
    t.ok(JSON.parse(line).level < 60, line)
    t.notMatch(line, '\u001b')
  }

  for (const [id, path, status] of [['wrong', '/play/b.flac?quality=best', 400], ['missing', '/nothing', 404], ['bad', '/play/%', 400]] as const) {
    t.equal((await get(path, { 'x-request-id': id })).status, status)
    await streaming.logged(new RegExp(`"reqId":"${id}".*Answered`))
    t.match(linesOf(streaming, id).at(-1), { url: path, status })
  }
})

t.test('without LOG_REQUESTS there is no access line', async t => {
  const { music, env } = await liveSite(t)
  const streaming = await startStreaming(t, { ...env, AUDIO_CACHE_ON_MISS: 'original' })
  makeTrack(join(music, 'a.flac'))
  await http(streaming.url, '/play/a.flac')
  await http(streaming.url, '/play/a.flac?quality=low')
  await streaming.logged(/Cache miss/)
  await streaming.stop()
  t.notMatch(streaming.lines.join('\n'), /Answered/)
})
