import type { OutgoingHttpHeaders } from 'node:http'
import { mkdirSync, writeFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { Plays } from '@mixtape/statistics'
import { http, whenReady } from '../../../test/fixtures/http.ts'
import { queueFixture } from '../../../test/fixtures/queue.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { until } from '../../../test/fixtures/services.ts'
import { build } from '../../../test/fixtures/app.ts'

t.test('stats and clear return the documented fields and messages', async t => {
  const { url, cache } = await build(t)
  mkdirSync(join(cache, 'a'))
  writeFileSync(join(cache, 'a/x_low.mp3'), Buffer.alloc(1024 * 1024))
  writeFileSync(join(cache, 'y_high.mp3'), Buffer.alloc(235_930))
  t.match((await http(url, '/admin/cache/stats')).json(), {
    cache_size_bytes: 1_284_506,
    cache_size_mb: 1.23,
    cached_files: 2,
    cache_dir: cache,
    by_quality: { high: { files: 1, bytes: 235_930 }, medium: { files: 0, bytes: 0 }, low: { files: 1, bytes: 1_048_576 } },
    oldest: /^\d{4}-.*Z$/,
    newest: /^\d{4}-.*Z$/,
    max_size_bytes: null,
    free_bytes: Number,
    hit_rate: null
  })
  const clear = async (query = '') => await http(url, `/admin/cache/clear${query}`, { method: 'POST' })
  for (const query of ['?older_than_days=-1', '?older_than_days=x', '?older_than_days=1.5', '?older_than_days=',
    '?older_than_days=1&older_than_days=2', '?older_than_days=99999999999']) {
    const { status, json } = await clear(query)
    t.equal(status, 400, query)
    t.match(json().message, /older_than_days must be a whole number/)
  }
  for (const [query, message] of [
    ['?quality=original', /^quality must be one of: high, medium, low$/], ['?path=', /^path must be/],
    ['?dry_run=maybe', /^dry_run must be true or false$/], ['?qualty=low', /^There is no qualty: only /]
  ] as const) {
    t.match((await clear(query)).json(), { statusCode: 400, message }, query)
  }
  t.same((await clear('?dry_run=true')).json(), {
    deleted_files: 0, would_delete_files: 2, message: 'Would clear all 2 cached files'
  })
  t.match((await clear('?quality=medium')).json(), { deleted_files: 0, message: 'Cleared 0 cached files at medium quality' })
  t.match((await clear('?path=a&quality=low&older_than_days=1&dry_run=true')).json(), {
    message: 'Would clear 0 cached files at low quality of a older than 1 day'
  })
  t.match((await clear('?path=a&dry_run=true')).json(), { would_delete_files: 1 })
  t.match((await clear('?path=y.flac&dry_run=true')).json(), { would_delete_files: 1 })
  t.same((await clear('?older_than_days=30')).json(), {
    deleted_files: 0, message: 'Cleared 0 cached files older than 30 days'
  })
  t.equal(readdirSync(cache).length, 2)
  t.same((await clear()).json(), { deleted_files: 2, message: 'Cleared all 2 cached files' })
  t.same((await clear('?older_than_days=0')).json(), { deleted_files: 0, message: 'Cleared all 0 cached files' })
})

t.test('clearing forgets when the deleted files were played last', async t => {
  const { url: REDIS_URL } = await testRedis(t)
  const { url, cache } = await build(t, { REDIS_URL })
  await whenReady(url)
  const plays = new Plays(queueFixture(t, REDIS_URL).redis)
  for (const name of ['x_low.mp3', 'y_high.mp3']) writeFileSync(join(cache, name), 'mp3')
  await plays.touch(['x_low.mp3', 'y_high.mp3'])
  await http(url, '/admin/cache/clear?dry_run=true', { method: 'POST' })
  await http(url, '/admin/cache/clear?path=x.flac', { method: 'POST' })
  await until(async () => (await plays.lastPlayed(['x_low.mp3']))[0] === undefined)
  t.match(await plays.lastPlayed(['y_high.mp3']), [Number])
})

t.test('clear of a folder takes no track beside it that has its name', async t => {
  const { url, cache } = await build(t)
  for (const folder of ['Album', 'Vol. 1']) mkdirSync(join(cache, folder))
  for (const name of ['Album_low.mp3', 'Album/a_low.mp3', 'Vol_low.mp3', 'Vol. 1/b_low.mp3']) writeFileSync(join(cache, name), 'x')
  const clear = async (path: string) => (await http(url, `/admin/cache/clear?path=${encodeURIComponent(path)}`, { method: 'POST' })).json()
  t.match(await clear('Album'), { deleted_files: 1 })
  t.match(await clear('Vol. 1/'), { deleted_files: 1 })
  t.same(readdirSync(cache).sort(), ['Album_low.mp3', 'Vol_low.mp3'])
  t.match(await clear('Album.flac'), { deleted_files: 1 })
})

t.test('the hit rate counts plays: no seeks, later ranges, probes, HEAD and 304', async t => {
  const redis = await testRedis(t)
  const { url, music, cache } = await build(t, { REDIS_URL: redis.url })
  await whenReady(url)
  for (const name of ['hit.flac', 'miss.flac', 'asked.flac']) writeFileSync(join(music, name), Buffer.alloc(300_000))
  writeFileSync(join(cache, 'hit_low.mp3'), Buffer.alloc(200_000))
  const play = async (name: string, headers: OutgoingHttpHeaders = {}, method = 'GET') =>
    await http(url, `/play/${name}?quality=low`, { method, headers })
  const { headers: { etag, 'last-modified': modified } } = await play('hit.flac', {}, 'HEAD')
  await play('asked.flac', {}, 'HEAD')
  await play('hit.flac')
  for (const range of ['bytes=0-65535', 'bytes=65536-131071', 'bytes=131072-', 'bytes=0-1', 'bytes=-128']) await play('hit.flac', { range })
  await play('hit.flac', { range: 'bytes=0-', 'if-range': etag })
  t.equal((await play('hit.flac', { 'if-none-match': etag })).status, 304)
  t.equal((await play('hit.flac', { 'if-modified-since': modified })).status, 304)
  await play('miss.flac', { range: 'bytes=0-' })
  for (let first = 1; first < 10; first++) await play('miss.flac', { range: `bytes=${first}000-` })
  await http(url, '/play/hit.flac')
  t.match((await http(url, '/admin/cache/stats')).json(), { hit_rate: { last_hour: { hits: 2, misses: 1, rate: 2 / 3 } } })
  const listeners = async () => (await http(url, '/admin/overview')).json().listeners
  await until(async () => (await listeners()).original > 0)
  t.same(await listeners(), { original: 2, high: 0, medium: 0, low: 0 }, 'the tracks that are heard, and not the one that HEAD asked for')
})

t.test('with ADMIN_TOKEN, a request without the right token gets 401', async t => {
  const { url } = await build(t, { ADMIN_TOKEN: 'secret' })
  for (const [method, path] of [['GET', '/admin/cache/stats'], ['POST', '/admin/cache/clear'], ['PUT', '/mixtapes/x']] as const) {
    for (const authorization of ['', 'Bearer', 'Bearer secre', 'Bearer secrets', 'Bearer SECRET', 'Basic secret', 'secret']) {
      const { status, headers } = await http(url, path, { method, headers: authorization ? { authorization } : {} })
      t.equal(status, 401, `${path} ${authorization}`)
      t.match(headers['www-authenticate'], /^Bearer/)
    }
  }
  for (const authorization of ['Bearer secret', 'bearer secret']) {
    t.equal((await http(url, '/admin/cache/stats', { headers: { authorization } })).status, 200)
  }
})

t.test('an address that sends many wrong tokens gets 429, and the right token still opens', async t => {
  const { url } = await build(t, { ADMIN_TOKEN: 'secret', LIBRARY_ACCESS: 'admin' })
  const get = async (path: string, token: string) => await http(url, path, { headers: token ? { authorization: `Bearer ${token}` } : {} })
  for (let i = 0; i < 25; i++) t.equal((await get('/admin/cache/stats', '')).status, 401, 'a request without a token is no guess')
  for (let i = 0; i < 20; i++) t.equal((await get(i % 2 ? '/library' : '/admin/cache/stats', `wrong-${i}`)).status, 401)
  for (const path of ['/admin/cache/stats', '/library', '/mixtapes', '/metrics']) {
    const { status, headers, json } = await get(path, 'wrong')
    t.equal(status, 429, path)
    t.match(headers['retry-after'], /^[1-6]?\d$/)
    t.match(json(), { statusCode: 429, message: /^Too many wrong tokens from 127\.0\.0\.1: at most 20 in a minute/ })
  }
  t.equal((await get('/admin/cache/stats', '')).status, 401)
  t.equal((await get('/admin/cache/stats', 'secret')).status, 200)
  t.equal((await get('/library', 'secret')).status, 200)
})

t.test('without ADMIN_TOKEN, a Host that is no loopback name gets 403 and is told what to do', async t => {
  const { url } = await build(t)
  const get = async (host: string) => await http(url, '/admin/cache/stats', { headers: { host } })
  for (const host of ['localhost', 'music.localhost:80', '127.0.0.1:5000', '[::1]:5000']) t.equal((await get(host)).status, 200, host)
  for (const host of ['evil.example', 'localhost.evil.example', '10.0.0.1:5000']) {
    const { status, json } = await get(host)
    t.equal(status, 403, host)
    t.equal(json().message, `Without an ADMIN_TOKEN only http://127.0.0.1 and http://localhost lead to this, not "${host}". ` +
      'Set ADMIN_TOKEN where the server is started, and send it: Authorization: Bearer <ADMIN_TOKEN>')
  }
})

t.test('without ADMIN_TOKEN, a page of another origin gets 403', async t => {
  const { url } = await build(t)
  const clear = async (origin: string) => (await http(url, '/admin/cache/clear', { method: 'POST', headers: { origin } })).status
  t.equal(await clear('http://evil.example'), 403)
  t.equal(await clear('null'), 403)
  t.equal(await clear(url), 200)
})

t.test('the tracks of a saved mixtape are enqueued, and the response counts them by state', async t => {
  const redis = await testRedis(t)
  const { url, music, cache } = await build(t, { REDIS_URL: redis.url })
  for (const name of ['a.flac', 'b.wav', 'c.mp3']) writeFileSync(join(music, name), name)
  writeFileSync(join(cache, 'a_low.mp3'), 'x')
  await whenReady(url)
  const put = async (slug: string, body: unknown) => await http(url, `/mixtapes/${slug}`, { method: 'PUT', body })
  const tracks = [{ file_path: 'a.flac' }, { path: 'b.wav' }, { path: 'b.wav' }, { path: 'c.mp3' }, { path: '../x.flac' }, { path: '' }]
  const first = await put('summer', { title: 'Summer', tracks })
  t.equal(first.status, 202)
  t.same(first.json(), {
    slug: 'summer', tracks: 6, enqueued: 5, cached: 1, not_transcodable: 1, missing: ['../x.flac', '']
  })
  t.match((await put('summer', { tracks })).json(), { enqueued: 0, cached: 1 })
  t.match((await put('empty', { tracks: [] })).json(), { tracks: 0, enqueued: 0 })
  for (const body of [{}, { tracks: {} }, { tracks: [{}] }, { tracks: [{ path: 1 }] }, { title: {}, tracks: [] }, [], 'x',
    { tracks: Array.from({ length: 1001 }, () => ({ path: 'a.flac' })) }]) {
    const { status, json } = await put('bad', body)
    t.equal(status, 400, JSON.stringify(body).slice(0, 50))
    t.match(json().message, /body|tracks/)
  }
  t.equal((await put('a%2Fb', { tracks: [] })).status, 400)
})

t.test('precaching on upload can be turned off, and the response says so', async t => {
  const redis = await testRedis(t)
  const { url, music } = await build(t, { AUDIO_CACHE_PRECACHE_ON_UPLOAD: 'false', REDIS_URL: redis.url })
  await whenReady(url)
  writeFileSync(join(music, 'a.flac'), 'x')
  const { status, json } = await http(url, '/mixtapes/x', { method: 'PUT', body: { tracks: [{ path: 'a.flac' }] } })
  t.equal(status, 202)
  t.match(json(), { enqueued: 0, message: /disabled/ })
})

t.test('without Redis, a mixtape gets 503 and Retry-After, and tracks are still served', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'a.flac'), 'x')
  const { status, headers, json } = await http(url, '/mixtapes/x', { method: 'PUT', body: { tracks: [{ path: 'a.flac' }] } })
  t.equal(status, 503)
  t.ok(headers['retry-after'])
  t.match(json(), { message: /queue/ })
  t.equal((await http(url, '/play/a.flac?quality=low')).status, 200)
})
