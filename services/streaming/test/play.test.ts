import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { get, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { t } from 'tap'
import { http } from '../../../test/fixtures/http.ts'
import { makeTrack } from '../../../test/fixtures/tracks.ts'
import { build } from '../../../test/fixtures/app.ts'

t.test('an original is served whole and by range', async t => {
  const { url, music } = await build(t)
  const bytes = readFileSync(makeTrack(join(music, 'jazz/so-what.flac')))
  const path = '/play/jazz/so-what.flac'

  const whole = await http(url, path)
  t.equal(whole.status, 200)
  t.ok(whole.body.equals(bytes))
  t.match(whole.headers, {
    'content-type': 'audio/flac',
    'content-length': `${bytes.length}`,
    'accept-ranges': 'bytes',
    'cache-control': 'no-cache',
    etag: /^"[^"]+"$/,
    'last-modified': /GMT$/,
    'cache-status': 'mixtape; fwd=bypass; detail=original',
    'access-control-allow-origin': '*',
    'access-control-expose-headers': /Content-Range/
  })

  const head = await http(url, path, { method: 'HEAD', headers: { range: 'bytes=0-1' } })
  t.equal(head.status, 200)
  t.equal(head.body.length, 0)
  const { date, ...headers } = whole.headers
  t.match(head.headers, headers)

  for (const [range, first, last] of [
    ['bytes=0-1', 0, 1], ['bytes=100-', 100, bytes.length - 1], ['bytes=-5', bytes.length - 5, bytes.length - 1],
    ['bytes=-99999999', 0, bytes.length - 1], ['bytes=5-99999999', 5, bytes.length - 1]
  ] as const) {
    const partial = await http(url, path, { headers: { range } })
    t.equal(partial.status, 206, range)
    t.equal(partial.headers['content-range'], `bytes ${first}-${last}/${bytes.length}`)
    t.equal(partial.headers['content-length'], `${last - first + 1}`)
    t.ok(partial.body.equals(bytes.subarray(first, last + 1)))
  }

  const outside = await http(url, path, { headers: { range: `bytes=${bytes.length}-` } })
  t.equal(outside.status, 416)
  t.equal(outside.headers['content-range'], `bytes */${bytes.length}`)

  const etag = whole.headers.etag ?? ''
  t.equal((await http(url, path, { headers: { 'if-none-match': etag, range: 'bytes=0-1' } })).status, 304)
  t.equal((await http(url, path, { headers: { 'if-match': '"other"' } })).status, 412)
  t.equal((await http(url, path, { headers: { 'if-range': etag, range: 'bytes=0-1' } })).status, 206)
  t.equal((await http(url, path, { headers: { 'if-range': '"other"', range: 'bytes=0-1' } })).status, 200)
})

t.test('a track of any name is found, encoded per segment or as a whole', async t => {
  const { url, music } = await build(t)
  for (const name of ['Simon & Garfunkel/a+b: "x" #1?.mp3', '100%.flac', '%2e%2e.ogg', 'Ünï 音.m4a', "o'neil @ $2;=,.wav"]) {
    mkdirSync(dirname(join(music, name)), { recursive: true })
    writeFileSync(join(music, name), name)
    for (const encoded of [encodeURIComponent(name), name.split('/').map(encodeURIComponent).join('/')]) {
      t.equal((await http(url, `/play/${encoded}`)).body.toString(), name, encoded)
      t.equal((await http(url, `/%70l%61y/${encoded}`)).body.toString(), name, encoded)
    }
  }
  t.equal((await http(url, 'http://any.host/play/100%25.flac')).status, 200, 'absolute form')
})

t.test('a path of no track gets 404 without details of the server', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'a.flac'), 'x')
  for (const path of [
    '/play/', '/play/missing.flac', '/play/../a.flac', '/play/%2e%2e/a.flac', '/play/..%2fa.flac', '/play//a.flac',
    '/play/a.flac/', '/play/a.flac%00', '/play/%252e%252e/a.flac', '/play/a.flac/x.flac', '/nothing'
  ]) {
    const { status, json } = await http(url, path)
    t.equal(status, 404, path)
    t.match(json(), { statusCode: 404, error: 'Not Found', message: String })
  }
  const broken = await http(url, '/play/%zz')
  t.equal(broken.status, 400)
  t.match(broken.json(), { statusCode: 400, error: 'Bad Request', message: String })
})

t.test('an unknown quality gets 400 and the list of qualities', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'a.flac'), 'x')
  for (const query of ['quality=', 'quality=HIGH', 'quality=best', 'quality=low&quality=high', 'quality=__proto__']) {
    const { status, json } = await http(url, `/play/a.flac?${query}`)
    t.equal(status, 400, query)
    t.equal(json().message, 'quality must be one of: original, high, medium, low')
  }
  t.equal((await http(url, '/play/a.flac?quality=original&other=1')).status, 200)
})

t.test('other methods get 405 and the list of methods, and preflights and OPTIONS get 204', async t => {
  const { url } = await build(t)
  for (const [method, path, allow] of [
    ['POST', '/play/a.flac', 'GET, HEAD'], ['DELETE', '/play/a.flac', 'GET, HEAD'], ['GET', '/admin/cache/clear', 'POST'],
    ['POST', '/mixtapes/x', 'PUT, DELETE, GET, HEAD']
  ] as const) {
    const { status, headers } = await http(url, path, { method })
    t.equal(status, 405, `${method} ${path}`)
    t.equal(headers.allow, allow)
  }
  t.equal((await http(url, '/docs/static/nothing.js')).status, 404, 'the route is there, but no such file')
  const preflight = await http(url, '/play/a.flac', {
    method: 'OPTIONS',
    headers: { origin: 'http://x', 'access-control-request-method': 'GET', 'access-control-request-headers': 'range' }
  })
  t.equal(preflight.status, 204)
  t.match(preflight.headers, { allow: 'GET, HEAD', 'access-control-allow-origin': '*', 'access-control-allow-headers': /Range/ })
  t.match(await http(url, '/mixtapes/x?y', { method: 'OPTIONS' }), { status: 204, headers: { allow: 'PUT, DELETE, GET, HEAD' } })
  t.match(await http(url, '/admin/overview/events', { method: 'HEAD' }), { status: 405, headers: { allow: 'GET' } }, 'an event stream has no HEAD')
  t.match(await http(url, '/mixtapes/x/events', { method: 'HEAD' }), { status: 405, headers: { allow: 'GET' } })
})

t.test('Cache-Status has the reason of a miss', async t => {
  const { url, music, cache } = await build(t)
  for (const name of ['a.flac', 'b.mp3']) writeFileSync(join(music, name), 'original')
  const play = async (path: string, headers = {}) => {
    const response = await http(url, `/play/${path}`, { headers })
    return `${response.headers['cache-status']}: ${response.body}`
  }
  t.equal(await play('a.flac?quality=low'), 'mixtape; fwd=miss; detail=absent: original')
  t.equal(await play('b.mp3?quality=low'), 'mixtape; fwd=miss; detail="not transcodable": original')
  writeFileSync(join(cache, 'a_low.mp3'), 'transcode')
  t.equal(await play('a.flac?quality=low'), 'mixtape; hit: transcode')
  utimesSync(join(cache, 'a_low.mp3'), 1e9, 1e9)
  t.equal(await play('a.flac?quality=low'), 'mixtape; fwd=miss; detail=stale: original')
})

t.test('only originals are served when the cache is disabled', async t => {
  const { url, music, cache } = await build(t, { AUDIO_CACHE_ENABLED: 'false' })
  writeFileSync(join(music, 'a.flac'), 'original')
  writeFileSync(join(cache, 'a_low.mp3'), 'transcode')
  const response = await http(url, '/play/a.flac?quality=low')
  t.equal(response.headers['cache-status'], 'mixtape; fwd=miss; detail=disabled')
  t.equal(response.body.toString(), 'original')
})

t.test('a client that started on the original stays on it when the transcode is published', async t => {
  const { url, music, cache } = await build(t)
  writeFileSync(join(music, 'a.flac'), 'original bytes')
  const path = '/play/a.flac?quality=low'
  const { headers: { etag = '' } } = await http(url, path)
  writeFileSync(join(cache, 'a_low.mp3'), 'mp3 bytes')

  const next = await http(url, path, { headers: { 'if-range': etag, range: 'bytes=9-' } })
  t.equal(next.status, 206)
  t.equal(next.body.toString(), 'bytes')
  t.equal((await http(url, path, { headers: { 'if-none-match': etag } })).status, 304)
  t.equal((await http(url, path, { headers: { 'if-match': etag } })).body.toString(), 'original bytes')
  t.equal((await http(url, path)).body.toString(), 'mp3 bytes', 'a new client gets the transcode')
})

/** Bytes of a file that no socket buffer holds completely. */
const BIG = 64 * 1024 * 1024

/** Sends a request. @returns the response, of which nothing is read until the caller does so */
async function slowListener (url: string): Promise<IncomingMessage> {
  const [response] = await once(get(url, { agent: false }), 'response')
  return response
}

t.test('a file that is replaced during a response is sent to its end unchanged', async t => {
  const { url, music } = await build(t)
  const before = Buffer.alloc(BIG, 'before')
  writeFileSync(join(music, 'a.wav'), before)
  const response = await slowListener(`${url}/play/a.wav`)
  writeFileSync(join(music, 'new'), 'after')
  renameSync(join(music, 'new'), join(music, 'a.wav'))
  const hash = createHash('sha256')
  for await (const bytes of response) hash.update(bytes)
  t.equal(hash.digest('hex'), createHash('sha256').update(before).digest('hex'))
  t.equal((await http(url, '/play/a.wav')).body.toString(), 'after')
})

t.test('a file that is truncated during a response breaks the connection', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'a.wav'), Buffer.alloc(BIG))
  const response = await slowListener(`${url}/play/a.wav`)
  truncateSync(join(music, 'a.wav'), 1000)
  await t.rejects(async () => { for await (const bytes of response) t.ok(bytes.length) }, { code: 'ECONNRESET' })
})

t.test('a file that is deleted during a response is sent to its end, also when another client disconnects', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'a.wav'), Buffer.alloc(BIG))
  const [first, second] = await Promise.all([slowListener(`${url}/play/a.wav`), slowListener(`${url}/play/a.wav`)])
  rmSync(join(music, 'a.wav'))
  first.destroy()
  let size = 0
  for await (const bytes of second) size += bytes.length
  t.equal(size, BIG)
})

t.test('a client that closes its sending side gets the whole response', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'a.wav'), Buffer.alloc(BIG, 'x'))
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
  socket.end('GET /play/a.wav HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const received = await text(socket)
  t.equal(received.length - received.indexOf('\r\n\r\n') - 4, BIG)
})

t.test('an empty file has an empty response', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'a.mp3'), '')
  t.match(await http(url, '/play/a.mp3'), { status: 200, headers: { 'content-length': '0' } })
  t.equal((await http(url, '/play/a.mp3', { headers: { range: 'bytes=0-' } })).status, 416)
})

t.test('pipelined requests are answered one after the other', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'a.mp3'), 'abcdef')
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const message = (method: string, headers = '') => `${method} /play/a.mp3 HTTP/1.1\r\nHost: x\r\n${headers}\r\n`
  socket.write(message('HEAD') + message('GET', 'Range: bytes=1-2\r\n') + message('GET', 'Connection: close\r\n'))
  t.match(await text(socket), /200 OK[^]+\r\n\r\nHTTP\/1.1 206[^]+\r\n\r\nbcHTTP\/1.1 200[^]+\r\n\r\nabcdef$/)
})

t.test('100 requests, of which 50 are aborted, leave no descriptor open', async t => {
  const { url, music, cache } = await build(t)
  writeFileSync(join(music, 'a.flac'), Buffer.alloc(BIG))
  writeFileSync(join(cache, 'a_low.mp3'), 'x')
  const count = async () => (await import('node:fs/promises')).readdir('/proc/self/fd').then(fds => fds.length)
  await http(url, '/play/a.flac?quality=low')
  const before = await count()
  for (let i = 0; i < 50; i++) {
    await http(url, `/play/a.flac?quality=${i % 2 ? 'low' : 'high'}`, { method: 'HEAD' })
    const request = httpRequest(`${url}/play/a.flac`, { agent: false }).end()
    const [response] = await once(request, 'response')
    response.destroy()
    await once(response, 'close')
  }
  await http(url, '/health/live')
  for (let left = 100; await count() > before + 2 && left > 0; left--) await new Promise(resolve => setImmediate(resolve))
  t.ok(await count() <= before + 2)
})
