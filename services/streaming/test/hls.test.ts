import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { dirname, join } from 'node:path'
import { t, type Test } from 'tap'
import { AudioCache } from '@mixtape/audio-cache'
import { Library } from '@mixtape/library'
import {
  blockBytes, id3v2Size, ID3V1_SIZE, infoFrame, timestampTag, TIMESTAMP_TAG_SIZE, type TranscodeQuality
} from '@mixtape/mp3'
import { build } from '../../../test/fixtures/app.ts'
import { getPlaylist } from '../../../test/fixtures/hls.ts'
import { http } from '../../../test/fixtures/http.ts'
import { queueFixture } from '../../../test/fixtures/queue.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { until } from '../../../test/fixtures/services.ts'
import { makeTrack } from '../../../test/fixtures/tracks.ts'

const LEVELS = ['medium', 'low', 'high'] as const
const SAMPLES = 20 * 44100

/** Writes a source. Nothing reads its bytes. */
function writeSource (root: string, path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), `source ${randomBytes(8).toString('hex')}`)
}

/** Starts the app, and opens its library and its cache as a worker does. */
async function setUp (t: Test, env: Record<string, string> = {}) {
  const { url, music, cache } = await build(t, env)
  const library = new Library(music)
  const audioCache = new AudioCache(cache, library, ['.flac', '.wav', '.ogg', '.m4a'])

  /** Creates the part of a transcode, with its tag and Info frame. */
  async function startPart (path: string, quality: TranscodeQuality) {
    const track = await library.open(path)
    if (!track) throw new Error(`no ${path}`)
    const part = await audioCache.createPart(track, quality, { findable: true })
    await track.close()
    part.layOut(SAMPLES, { title: path })
    await part.start()
    return part
  }

  /** Publishes a transcode of random bytes. @returns the bytes in the place of its audio frames */
  async function publish (path: string, quality: TranscodeQuality): Promise<Buffer> {
    const part = await startPart(path, quality)
    const audio = randomBytes(part.missing)
    await part.append(audio)
    await audioCache.publish(part)
    return audio
  }

  return { url, music, cache, audioCache, startPart, publish }
}

t.test('the playlists of a track lead to all its audio frames, cut at the same samples at every level', async t => {
  const { url, music, publish } = await setUp(t)
  writeSource(music, 'jazz/so what.flac')
  const audio = new Map<string, Buffer>()
  for (const level of LEVELS) audio.set(level, await publish('jazz/so what.flac', level))

  const master = await getPlaylist(url, '/hls/jazz/so%20what.flac.m3u8')
  t.match(master.response, {
    status: 200,
    headers: { 'content-type': 'application/vnd.apple.mpegurl', 'cache-control': 'no-cache', 'access-control-allow-origin': '*' }
  })
  t.equal(master.text, [
    '#EXTM3U', '#EXT-X-VERSION:3',
    '#EXT-X-STREAM-INF:BANDWIDTH=192092,CODECS="mp4a.40.34"', './so%20what.flac/medium.m3u8',
    '#EXT-X-STREAM-INF:BANDWIDTH=128092,CODECS="mp4a.40.34"', './so%20what.flac/low.m3u8',
    '#EXT-X-STREAM-INF:BANDWIDTH=256092,CODECS="mp4a.40.34"', './so%20what.flac/high.m3u8', ''
  ].join('\n'))

  for (const [i, level] of LEVELS.entries()) {
    const { response, text, paths, durations } = await getPlaylist(url, master.paths[i] ?? '')
    t.match(response, {
      status: 200,
      headers: { 'content-type': 'application/vnd.apple.mpegurl', 'cache-control': 'no-cache', 'cache-status': 'mixtape; hit' }
    })
    t.match(text, /^#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-TARGETDURATION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n/)
    t.match(text, /#EXT-X-ENDLIST\n$/)
    // 20 s and the delay of the encoder are 767 frames: three segments of 245, and one of 32.
    t.same(durations, [6.4, 6.4, 6.4, 0.835918], level)
    const segments = await Promise.all(paths.map(path => http(url, path)))
    for (const [n, { status, headers, body }] of segments.entries()) {
      t.match({ status, headers }, {
        status: 200,
        headers: {
          'content-type': 'audio/mpeg',
          'cache-control': 'public, max-age=31536000, immutable',
          'cache-status': 'mixtape; hit',
          'access-control-allow-origin': '*'
        }
      })
      t.ok(body.subarray(0, TIMESTAMP_TAG_SIZE).equals(timestampTag(n * 245 * 1152, 44100)), `${level} ${n}`)
      if (n < 3) t.equal(body.length, TIMESTAMP_TAG_SIZE + 5 * blockBytes(level))
    }
    const frames = Buffer.concat(segments.map(({ body }) => body.subarray(TIMESTAMP_TAG_SIZE)))
    t.ok(frames.equals(audio.get(level)!), level)
    t.equal((await http(url, paths[3]!.replace('/3.mp3', '/4.mp3'))).status, 404, 'beyond the end')
  }
})

t.test('a track of any name, encoded per segment or as a whole', async t => {
  const { url, music, publish } = await setUp(t)
  for (const path of ['S & G/a+b: "x" #1?.flac', '100%.flac', '%2e%2e.ogg', 'Ünï 音.m4a', "a:o'neil @ $2;=,.wav", 'x/low.flac', 'b.m3u8/c.wav']) {
    writeSource(music, path)
    const audio = await publish(path, 'low')
    for (const encoded of [encodeURIComponent(path), path.split('/').map(encodeURIComponent).join('/')]) {
      const master = await getPlaylist(url, `/hls/${encoded}.m3u8`)
      t.equal(master.paths.length, 1, encoded)
      const { paths } = await getPlaylist(url, master.paths[0]!)
      const { body } = await http(url, paths[0]!)
      t.ok(body.subarray(TIMESTAMP_TAG_SIZE).equals(audio.subarray(0, 5 * blockBytes('low'))), encoded)
    }
  }
})

t.test('a path of no track gets 404', async t => {
  const { url, music, publish } = await setUp(t)
  writeSource(music, 'a.flac')
  await publish('a.flac', 'low')
  for (const path of [
    '/hls/', '/hls/a.flac', '/hls/missing.flac.m3u8', '/hls/../a.flac.m3u8', '/hls/%2e%2e/a.flac.m3u8', '/hls/..%2fa.flac.m3u8',
    '/hls//a.flac.m3u8', '/hls/a.flac%00.m3u8', '/hls/a.flac/.m3u8', '/hls/a.flac/best.m3u8', '/hls/a.flac/original.m3u8',
    '/hls/a.flac/low/x/-1.mp3', '/hls/a.flac/low/x/00.mp3', '/hls/a.flac/low/0.mp3', '/hls/a.flac/low/%2e%2e/0.mp3', '/hls/.m3u8'
  ]) {
    const { status, headers, json } = await http(url, path)
    t.equal(status, 404, path)
    t.match(headers, { 'access-control-allow-origin': '*' })
    t.match(json(), { statusCode: 404, error: 'Not Found', message: String })
  }
  t.equal((await http(url, '/hls/%zz.m3u8')).status, 400)
  t.match(await http(url, '/hls/a.flac.m3u8', { method: 'POST' }), { status: 405, headers: { allow: 'GET, HEAD' } })
  t.equal((await http(url, '/hls/a.flac.m3u8', {
    method: 'OPTIONS', headers: { origin: 'http://x', 'access-control-request-method': 'GET', 'access-control-request-headers': 'range' }
  })).status, 204)
})

t.test('preconditions, ranges and HEAD of playlists and segments', async t => {
  const { url, music, publish } = await setUp(t)
  writeSource(music, 'a.flac')
  await publish('a.flac', 'low')
  const master = await getPlaylist(url, '/hls/a.flac.m3u8')
  const { paths } = await getPlaylist(url, master.paths[0]!)
  for (const path of ['/hls/a.flac.m3u8', master.paths[0]!, paths[1]!]) {
    const whole = await http(url, path)
    const { etag = '', ...headers } = whole.headers
    const head = await http(url, path, { method: 'HEAD' })
    t.match({ status: head.status, length: head.body.length, etag: head.headers.etag }, { status: 200, length: 0, etag })
    t.equal(head.headers['content-length'], headers['content-length'])
    const unchanged = await http(url, path, { headers: { 'if-none-match': etag } })
    t.match(unchanged, { status: 304, headers: { etag, 'cache-control': headers['cache-control'] } })
    t.equal((await http(url, path, { headers: { 'if-match': '"other"' } })).status, 412)
    const size = whole.body.length
    for (const [first, last] of [[0, 0], [0, 72], [10, 90], [72, 73], [73, 90], [size - 5, size - 1]] as const) {
      const range = await http(url, path, { headers: { range: `bytes=${first}-${last}`, 'if-range': etag } })
      t.match(range, { status: 206, headers: { 'content-range': `bytes ${first}-${last}/${size}` } })
      t.ok(range.body.equals(whole.body.subarray(first, last + 1)), `${path} ${first}-${last}`)
    }
    t.equal((await http(url, path, { headers: { range: `bytes=${size}-` } })).status, 416)
  }
  const { headers: { etag: other } } = await http(url, paths[2]!)
  t.not((await http(url, paths[1]!)).headers.etag, other)
})

t.test('a segment of an MP3 that was made anew leads to that one', async t => {
  const { url, music, cache, publish } = await setUp(t)
  writeSource(music, 'a.flac')
  await publish('a.flac', 'low')
  const before = await getPlaylist(url, '/hls/a.flac/low.m3u8')
  rmSync(join(cache, 'a_low.mp3'))
  t.match(await http(url, before.paths[1]!), { status: 503, headers: { 'retry-after': /^\d+$/ } })

  writeSource(music, 'a.flac')
  const audio = await publish('a.flac', 'low')
  const { status, headers } = await http(url, before.paths[1]!)
  t.match({ status, headers }, { status: 307, headers: { 'cache-control': 'no-store', 'access-control-allow-origin': '*' } })
  const { paths } = await getPlaylist(url, '/hls/a.flac/low.m3u8')
  const present = new URL(headers.location ?? '', url + before.paths[1]).pathname
  t.equal(present, paths[1])
  const bytes = 5 * blockBytes('low')
  t.ok((await http(url, present)).body.subarray(TIMESTAMP_TAG_SIZE).equals(audio.subarray(bytes, 2 * bytes)))
})

t.test('only cached levels are listed where misses are answered with the original', async t => {
  const { url, music, publish } = await setUp(t)
  writeSource(music, 'a.flac')
  const none = await http(url, '/hls/a.flac.m3u8')
  t.match({ ...none, json: none.json() }, { status: 503, headers: { 'retry-after': /^\d+$/ }, json: { message: /\/play serves the original/ } })
  const level = await http(url, '/hls/a.flac/high.m3u8')
  t.match(level, { status: 503, headers: { 'retry-after': /^\d+$/, 'cache-status': 'mixtape; fwd=miss; detail=absent' } })
  await publish('a.flac', 'high')
  t.same((await getPlaylist(url, '/hls/a.flac.m3u8')).paths, ['/hls/a.flac/high.m3u8'])
  await publish('a.flac', 'low')
  t.same((await getPlaylist(url, '/hls/a.flac.m3u8')).paths, ['/hls/a.flac/low.m3u8', '/hls/a.flac/high.m3u8'])
})

t.test('a segment comes while the encoder writes it, and waits for it', async t => {
  const { url, music, audioCache, startPart } = await setUp(t, { AUDIO_CACHE_ON_MISS: 'transcode' })
  writeSource(music, 'a.flac')
  t.equal((await getPlaylist(url, '/hls/a.flac.m3u8')).paths.length, 3)
  const part = await startPart('a.flac', 'medium')
  const audio = randomBytes(part.missing)
  const bytes = 5 * blockBytes('medium')
  const { response, paths, durations } = await getPlaylist(url, '/hls/a.flac/medium.m3u8')
  t.match(response.headers, { 'cache-status': /detail=live/ })
  t.equal(durations.length, 4)
  t.equal((await http(url, paths[3]!, { method: 'HEAD' })).status, 200, 'its size is known already')

  await part.append(audio.subarray(0, bytes))
  t.ok((await http(url, paths[0]!)).body.subarray(TIMESTAMP_TAG_SIZE).equals(audio.subarray(0, bytes)))
  const waiting = http(url, paths[1]!)
  await part.append(audio.subarray(bytes, bytes + 1000))
  await part.append(audio.subarray(bytes + 1000, 3 * bytes))
  t.ok((await waiting).body.subarray(TIMESTAMP_TAG_SIZE).equals(audio.subarray(bytes, 2 * bytes)))

  const tooLate = await http(url, paths[3]!)
  t.match(tooLate, { status: 503, headers: { 'retry-after': /^\d+$/, 'cache-control': 'no-cache', 'cache-status': /live/ } })
  await part.append(audio.subarray(3 * bytes))
  await audioCache.publish(part)
  t.match(await http(url, paths[3]!), { status: 200, headers: { 'cache-status': 'mixtape; hit' } })
})

t.test('the connection breaks where the encoder gives up', async t => {
  const { url, music, startPart } = await setUp(t, { AUDIO_CACHE_ON_MISS: 'transcode' })
  writeSource(music, 'a.flac')
  const part = await startPart('a.flac', 'low')
  await part.append(randomBytes(1000))
  const { paths } = await getPlaylist(url, '/hls/a.flac/low.m3u8')
  const [response] = await once(get(url + paths[0], { agent: false }), 'response')
  await part.discard()
  await t.rejects(async () => { for await (const bytes of response) t.ok(bytes.length) }, { code: 'ECONNRESET' })
})

t.test('an MP3 of the library has one level, which is found by its frame headers', async t => {
  const { url, music } = await build(t, { AUDIO_CACHE_ENABLED: 'false' })
  const tags = { title: 'So What' }
  for (const [rate, options, bandwidth] of [
    [44100, ['-b:a', '320k', '-write_id3v1', '1'], 320_092],
    [48000, ['-q:a', '4'], undefined],
    [22050, ['-b:a', '64k'], 64_092]
  ] as const) {
    const file = makeTrack(join(music, `${rate}.mp3`), { seconds: 20, rate, tags, options: [...options] })
    const master = await getPlaylist(url, `/hls/${rate}.mp3.m3u8`)
    t.same(master.paths, [`/hls/${rate}.mp3/original.m3u8`])
    if (bandwidth) t.match(master.text, `BANDWIDTH=${bandwidth},`)
    const { text, paths, durations } = await getPlaylist(url, master.paths[0]!)
    t.notMatch(text, /INDEPENDENT/, 'frames may use bits of the frame before')
    t.equal(durations[0], 245 * (rate < 32000 ? 576 : 1152) / rate)
    const seconds = durations.reduce((sum, duration) => sum + duration)
    t.ok(seconds >= 20 && seconds < 20.2, `${seconds} s`)
    const segments = await Promise.all(paths.map(path => http(url, path)))
    t.match(segments[0]?.headers, { 'cache-control': /immutable/, 'cache-status': 'mixtape; fwd=bypass; detail=original' })
    const frames = Buffer.concat(segments.map(({ body }) => body.subarray(id3v2Size(body))))
    const bytes = readFileSync(file)
    const end = bytes.toString('latin1', bytes.length - ID3V1_SIZE, bytes.length - ID3V1_SIZE + 3) === 'TAG' ? ID3V1_SIZE : 0
    t.ok(frames.equals(bytes.subarray(bytes.length - end - frames.length, bytes.length - end)), `${rate} Hz`)
    t.equal(bytes.indexOf('Xing') + bytes.indexOf('Info') + 1 < bytes.length - end - frames.length, true, 'no Info frame')
  }
})

t.test('an MP3 that another tool made is a level too', async t => {
  const { url, music, cache } = await build(t)
  writeSource(music, 'a.flac')
  makeTrack(join(cache, 'a_low.mp3'), { seconds: 7, options: ['-b:a', '128k'] })
  const master = await getPlaylist(url, '/hls/a.flac.m3u8')
  t.same(master.paths, ['/hls/a.flac/low.m3u8'])
  const { paths } = await getPlaylist(url, master.paths[0]!)
  t.equal(paths.length, 2)
  t.equal((await http(url, paths[0]!)).body.length, TIMESTAMP_TAG_SIZE + 5 * blockBytes('low'))
})

t.test('bytes between and after the frames of an MP3 are passed over', async t => {
  const { url, music } = await build(t)
  const junk = Buffer.concat([Buffer.from('junk'), Buffer.from([0xff, 0xfb, 0x90, 0x00]), Buffer.alloc(300_000)])
  const frame = infoFrame(0, 'low')
  frame.fill(0, 4) // an audio frame of silence
  const frames = (count: number) => Array.from({ length: count }, () => frame)
  writeFileSync(join(music, 'a.mp3'), Buffer.concat([junk, ...frames(300), junk, ...frames(190), junk]))
  const { durations } = await getPlaylist(url, '/hls/a.mp3/original.m3u8')
  t.same(durations, [6.4, 6.4])
})

t.test('HLS is not offered for other files', async t => {
  const { url, music, cache } = await build(t)
  for (const name of ['a.aiff', 'empty.mp3', 'text.mp3']) writeSource(music, name)
  writeFileSync(join(music, 'empty.mp3'), '')
  for (const path of ['/hls/a.aiff.m3u8', '/hls/a.aiff/low.m3u8', '/hls/empty.mp3.m3u8', '/hls/text.mp3.m3u8', '/hls/text.mp3/original.m3u8']) {
    const response = await http(url, path)
    t.match({ status: response.status, ...response.json() }, { status: 404, message: /\/play serves this file as it is/ }, path)
  }
  writeSource(music, 'b.flac')
  writeFileSync(join(cache, 'b_low.mp3'), 'no audio')
  t.equal((await http(url, '/hls/b.flac/low.m3u8')).status, 404)
})

t.test('without the cache only MP3s of the library are offered', async t => {
  const { url, music } = await build(t, { AUDIO_CACHE_ENABLED: 'false' })
  writeSource(music, 'a.flac')
  const response = await http(url, '/hls/a.flac.m3u8')
  t.match({ status: response.status, ...response.json() }, { status: 404, message: /while the cache is enabled/ })
})

t.test('a track that is known to fail is not offered, until it changes', async t => {
  const { url: redisUrl } = await testRedis(t)
  const { sources } = queueFixture(t, redisUrl)
  const { url, music } = await setUp(t, { REDIS_URL: redisUrl, AUDIO_CACHE_ON_MISS: 'transcode' })
  await until(async () => (await http(url, '/health/ready')).status === 200)
  writeSource(music, 'a.flac')
  const library = new Library(music)
  const track = await library.open('a.flac')
  await sources.record('a.flac', { version: track?.version ?? '', reason: 'Invalid data found' })
  await track?.close()
  for (const path of ['/hls/a.flac.m3u8', '/hls/a.flac/low.m3u8']) {
    t.match((await http(url, path)).json(), { statusCode: 404, message: /cannot be transcoded until it changes\. \/play serves it/ })
  }
  writeSource(music, 'a.flac')
  t.equal((await http(url, '/hls/a.flac.m3u8')).status, 200)
})
