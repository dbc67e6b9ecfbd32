import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { t, type Test } from 'tap'
import { build } from './fixtures/app.ts'
import { testFolder } from './fixtures/folder.ts'
import { getPlaylist } from './fixtures/hls.ts'
import { http } from './fixtures/http.ts'
import { startFront, startNginx } from './fixtures/nginx.ts'
import { testRedis } from './fixtures/redis.ts'
import { startStreaming, startWorker, until } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

async function setUp (t: Test, extraEnv: NodeJS.ProcessEnv = {}) {
  const dir = testFolder(t, { music: {}, cache: {} })
  const redis = await testRedis(t)
  const env = {
    MUSIC_ROOT: join(dir, 'music'), AUDIO_CACHE_DIR: join(dir, 'cache'), REDIS_URL: redis.url, X_ACCEL: '1', ...extraEnv
  }
  const [{ url: streaming }, direct, worker] = await Promise.all([
    startStreaming(t, env), startStreaming(t, { ...env, X_ACCEL: '0' }), startWorker(t, env)
  ])
  const site = { streaming, music: env.MUSIC_ROOT, cache: env.AUDIO_CACHE_DIR }
  return { ...site, front: await startFront(t, { ...site, streaming: [streaming] }), direct: direct.url, worker }
}

t.test('a response through nginx equals the response of the streaming service alone', async t => {
  const { music, streaming, front, direct, worker } = await setUp(t)
  const names = [
    'plain.flac', 'a+b & c.flac', '100%.flac', '%41.flac', 'Ünïcödé 音楽.flac', 'what?.flac', 'a#b;c=d.flac', '"quoted" \'name\'.flac',
    'a\\b.flac', 'new\nline.flac', '$uri.flac', 'jazz/so what.flac'
  ]
  for (const name of names) makeTrack(join(music, name), { seconds: 1 })
  for (const name of names) await http(front, `/play/${encodeURIComponent(name)}?quality=low`)
  for (const name of names) {
    const cached = () => http(direct, `/play/${encodeURIComponent(name)}?quality=low`, { method: 'HEAD' })
    await until(async () => (await cached()).headers['cache-status'] === 'mixtape; hit')
  }

  for (const name of names) {
    for (const quality of ['original', 'low']) {
      const path = `/play/${encodeURIComponent(name)}?quality=${quality}`
      const { headers: { etag = '', 'content-length': size }, body } = await http(direct, path)
      t.ok(body.length > 1000, path)
      for (const [method, headers] of [
        ['GET', {}], ['HEAD', {}], ['GET', { range: 'bytes=0-0' }], ['GET', { range: 'bytes=-128' }], ['GET', { range: 'bytes=700-' }],
        ['GET', { range: `bytes=${size}-` }], ['GET', { range: 'bytes=0-1,5-6' }], ['GET', { 'if-none-match': etag }],
        ['GET', { 'if-none-match': '"other"' }], ['GET', { 'if-match': etag, range: 'bytes=1-2' }], ['GET', { 'if-match': '"other"' }],
        ['GET', { 'if-range': etag, range: 'bytes=1-2' }], ['GET', { 'if-range': '"other"', range: 'bytes=1-2' }],
        ['HEAD', { range: 'bytes=1-2' }], ['GET', { 'if-modified-since': new Date().toUTCString() }],
        ['GET', { origin: 'http://elsewhere.example' }]
      ] as const) {
        const options = { method, headers }
        const [expected, actual] = await Promise.all([http(direct, path, options), http(front, path, options)])
        const description = `${method} ${path} ${JSON.stringify(headers)}`
        for (const name of ['content-type', 'etag', 'cache-status', 'cache-control', 'content-range', 'access-control-allow-origin', 'last-modified']) {
          t.equal(actual.headers[name], expected.headers[name], `${name} of ${description}`)
        }
        t.equal(actual.status, expected.status, description)
        t.ok(actual.body.equals(expected.body), description)
      }
    }
  }
  t.match(await http(streaming, '/play/jazz/so%20what.flac?quality=low'), {
    headers: { 'x-accel-redirect': '/_cache/jazz/so%20what_low.mp3', 'content-length': '0' }
  })
  t.equal((await http(front, '/_library/plain.flac')).status, 404, 'a client cannot request files directly')
  t.equal((await http(front, '/play/missing.flac')).status, 404)
  t.equal((await http(front, '/health/ready')).json().status, 'ok')
  t.notMatch(worker.lines.join('\n'), /failed/)
})

t.test('playlists and segments through nginx equal those of the streaming service alone', async t => {
  const { music, front, direct, worker } = await setUp(t)
  makeTrack(join(music, '100% a+b?.flac'), { seconds: 10 })
  const master = `/hls/${encodeURIComponent('100% a+b?.flac')}.m3u8`
  t.equal((await http(front, master)).status, 503)
  await worker.logged(/Cached: .* → low/)
  const [level = ''] = (await getPlaylist(front, master)).paths.filter(path => path.endsWith('/low.m3u8'))
  const { paths } = await getPlaylist(front, level)
  t.equal(paths.length, 2)
  for (const path of [level, ...paths]) {
    for (const headers of [{}, { range: 'bytes=70-200' }, { 'if-none-match': '*' }]) {
      const [expected, actual] = await Promise.all([http(direct, path, { headers }), http(front, path, { headers })])
      for (const name of ['content-type', 'etag', 'cache-status', 'cache-control', 'content-range', 'access-control-allow-origin']) {
        t.equal(actual.headers[name], expected.headers[name], `${name} of ${path}`)
      }
      t.equal(actual.status, expected.status)
      t.ok(actual.body.equals(expected.body), path)
    }
  }
})

t.test('behind nginx, the streaming service sends a live miss itself', async t => {
  const { music, cache, front, worker } = await setUp(t, { AUDIO_CACHE_ON_MISS: 'transcode', AUDIO_CACHE_LIVE_WAIT: '20' })
  makeTrack(join(music, 'long.flac'), { seconds: 120 })
  const miss = await http(front, '/play/long.flac?quality=low')
  t.equal(miss.headers['cache-status'], 'mixtape; fwd=miss; stored; detail=live')
  await worker.logged(/Cached: long.flac/)
  t.ok(miss.body.equals(readFileSync(join(cache, 'long_low.mp3'))))
  const hit = await http(front, '/play/long.flac?quality=low')
  t.match(hit.headers, { 'cache-status': 'mixtape; hit', etag: miss.headers.etag })
  t.ok(hit.body.equals(miss.body))
})

t.test('beside mixtape-society, the lines of docs/deployment.md send audio here, and its own pages to the app', async t => {
  const { url, music } = await build(t)
  const app = createServer((request, response) => { response.end(`app ${request.url}`) }).listen(0, '127.0.0.1')
  t.teardown(() => app.close())
  await once(app, 'listening')
  const docs = readFileSync(new URL('../docs/deployment.md', import.meta.url), 'utf8')
  const [beside = '', alone = ''] = [...docs.matchAll(/```nginx\n([^]*?)```/g)].map(([, lines = '']) => lines
    .replaceAll('127.0.0.1:5000', new URL(url).host)
    .replaceAll('127.0.0.1:5005', `127.0.0.1:${(app.address() as AddressInfo).port}`))
  const front = await startNginx(t, port => `events {}
    http {
      access_log off;
      server { listen 127.0.0.1:${port}; server_name localhost; ${beside} }
      server { listen 127.0.0.1:${port}; server_name music.example; ${alone} }
    }`)
  for (const name of ['jazz/so what.flac', 'LOUD.MP3', '100%.ogg', 'new\nline.wav', 'share/a.flac', 'what?.opus']) {
    mkdirSync(join(music, name, '..'), { recursive: true })
    writeFileSync(join(music, name), `bytes of ${name}`)
    const path = `/play/${name.split('/').map(encodeURIComponent).join('/')}?quality=low`
    const { status, body } = await http(front, path, { headers: { range: 'bytes=0-4' } })
    t.match({ status, body: body.toString() }, { status: 206, body: 'bytes' }, path)
  }
  for (const path of [
    '/', '/mixtapes/', '/play/', '/play/share/summer', '/play/share/summer/manifest.json', '/play/gift-playful/summer?to=Ann', '/play/gift-elegant/summer',
    '/play/covers/a%20b.jpg', '/play/admin/cache/stats', '/service-worker.js'
  ]) t.equal((await http(front, path)).body.toString(), `app ${path}`)
  const page = await http(front, '/health/live', { headers: { host: 'music.example' } })
  t.same(page.json(), { status: 'ok' })
})
