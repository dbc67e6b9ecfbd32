import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import sharp from 'sharp'
import { t, type Test } from 'tap'
import { MixtapeRegistry } from '@mixtape/mixtapes'
import { build } from '../../../test/fixtures/app.ts'
import { http, whenReady } from '../../../test/fixtures/http.ts'
import { jpeg } from '../../../test/fixtures/pictures.ts'
import { queueFixture } from '../../../test/fixtures/queue.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { until } from '../../../test/fixtures/services.ts'
import { makeTrack } from '../../../test/fixtures/tracks.ts'

const headers = { authorization: 'Bearer secret' }

/** Starts the app with a library that only its admin may look through. */
async function site (t: Test) {
  const redis = await testRedis(t)
  const { app, url, music } = await build(t, { REDIS_URL: redis.url, ADMIN_TOKEN: 'secret' })
  await until(async () => (await http(url, '/admin/queue', { headers })).status === 200)
  const save = async (slug: string, title: string | undefined, paths: string[]) =>
    await http(url, `/mixtapes/${slug}`, { method: 'PUT', headers, body: { title, tracks: paths.map(path => ({ file_path: path })) } })
  return { app, url, music, save, redis }
}

t.test('requests for one mixtape at a time look at its tracks once', async t => {
  const { url: redisUrl } = await testRedis(t)
  const { url, music } = await build(t, { REDIS_URL: redisUrl, AUDIO_CACHE_PRECACHE_ON_UPLOAD: 'false' })
  await whenReady(url)
  const tracks = Array.from({ length: 200 }, (_, index) => ({ file_path: `${index}.flac` }))
  for (const { file_path: name } of tracks) writeFileSync(join(music, name), name)
  t.equal((await http(url, '/mixtapes/long', { method: 'PUT', body: { tracks } })).status, 202)
  const redis = new Redis(redisUrl)
  t.teardown(() => redis.disconnect())
  /** Asks for the mixtape. @returns how often its jobs were looked up */
  const look = async (requests: number) => {
    await redis.config('RESETSTAT')
    await Promise.all(Array.from({ length: requests }, async () => {
      t.match((await http(url, '/mixtapes/long')).json(), { total: 200, tracks: [{ qualities: { low: { state: 'absent' } } }] })
    }))
    return Number(/cmdstat_get:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1])
  }
  const once = await look(1)
  t.ok(once >= 600, `${once} look-ups for 200 tracks at three qualities`)
  const often = await look(20)
  t.ok(often < 4 * once, `${often} look-ups for 20 requests`)
})

t.test('without a token, a mixtape tells of its own tracks only', async t => {
  const { url, music, save } = await site(t)
  makeTrack(join(music, 'jazz/a.flac'), { seconds: 1.5, tags: { title: 'So', artist: 'Ann', album: 'Blue' } })
  makeTrack(join(music, 'jazz/other.flac'), { seconds: 0.1 })
  await save('summer', 'Summer', ['jazz/a.flac', 'gone.mp3'])
  const { status, headers: { 'cache-control': caching }, json } = await http(url, '/mixtapes/summer/tracks')
  t.equal(status, 200)
  t.equal(caching, 'no-cache')
  t.match(json(), { slug: 'summer', title: 'Summer', tracks: { length: 2 } })
  t.match(json().tracks[0], { path: 'jazz/a.flac', title: 'So', artist: 'Ann', duration: 1.5, transcoded: true, cached: [] })
  t.same(json().tracks[1], { type: 'track', name: 'gone.mp3', path: 'gone.mp3', transcoded: false, cached: [] })
  t.equal((await http(url, '/library/jazz')).status, 401)
  t.equal((await http(url, '/library/jazz/a.flac')).status, 401)
  t.equal((await http(url, '/mixtapes')).status, 401)
  t.match((await http(url, '/mixtapes/none/tracks')).json(), { statusCode: 404, message: 'No such mixtape' })
})

t.test('a path that is no text is refused, and does not break the playlist of a mixtape that has one', async t => {
  const { url, save, redis } = await site(t)
  const refused = await save('broken', undefined, ['a\ud83c.flac'])
  t.match([refused.status, refused.json().message], [400, 'The paths of tracks must be well-formed Unicode'])
  const { redis: connection } = queueFixture(t, redis.url)
  const mixtapes = new MixtapeRegistry(connection)
  t.teardown(() => mixtapes.close())
  await mixtapes.save({ slug: 'folder', tracks: ['a\ud83c.flac', 'b.mp3'], origin: 'folder' })
  const { status, body } = await http(url, '/mixtapes/folder/playlist.m3u8')
  t.match([status, body.toString()], [200, /\/play\/b\.mp3\n$/])
})

t.test('the cover of a mixtape is that of its album, or of its first four', async t => {
  const { url, music, save } = await site(t)
  for (const [name, colour] of [['a', '#d01010'], ['b', '#1010d0'], ['c', '#10a010'], ['d', '#d0d010'], ['e', '#ffffff']] as const) {
    mkdirSync(join(music, name))
    writeFileSync(join(music, name, 'cover.jpg'), await jpeg(colour))
    for (const track of ['1.mp3', '2.mp3']) writeFileSync(join(music, name, track), 'no tags')
  }
  writeFileSync(join(music, 'bare.mp3'), 'no tags')
  /** @returns the red, green and blue of the corners, each as the nearer of 0 and 1 */
  const corners = async (slug: string) => {
    const { data, info } = await sharp((await http(url, `/mixtapes/${slug}/cover.jpg`)).body).raw().toBuffer({ resolveWithObject: true })
    t.equal(info.width, 600)
    t.equal(info.height, 600)
    return [[20, 20], [580, 20], [20, 580], [580, 580]].map(([x = 0, y = 0]) =>
      [...data.subarray((y * 600 + x) * 3, (y * 600 + x) * 3 + 3)].map(value => value > 127 ? 1 : 0).join(''))
  }
  await save('one', undefined, ['a/1.mp3', 'a/2.mp3'])
  t.same(await corners('one'), ['100', '100', '100', '100'])
  await save('two', undefined, ['bare.mp3', 'a/1.mp3', 'b/1.mp3'])
  t.same(await corners('two'), ['100', '001', '001', '100'])
  await save('five', undefined, ['a/1.mp3', 'a/2.mp3', 'b/1.mp3', 'c/1.mp3', 'd/1.mp3', 'e/1.mp3'])
  t.same(await corners('five'), ['100', '001', '010', '110'])
  const { headers: { etag = '', 'content-type': type } } = await http(url, '/mixtapes/five/cover.jpg')
  t.equal(type, 'image/jpeg')
  t.equal((await http(url, '/mixtapes/five/cover.jpg', { headers: { 'if-none-match': etag } })).status, 304)
  await save('none', undefined, ['bare.mp3'])
  t.equal((await http(url, '/mixtapes/none/cover.jpg')).status, 404)
})

t.test('a link has a preview, whatever is in the titles', async t => {
  const { url, music, save } = await site(t)
  makeTrack(join(music, 'a/1.flac'), { seconds: 0.1, tags: { artist: 'Ann "&" <Bob>' } })
  writeFileSync(join(music, 'a/cover.jpg'), await jpeg('#d01010'))
  writeFileSync(join(music, 'bare.mp3'), 'no tags')
  await save('summer', '"><script>alert(1)</script> $& \'24', ['a/1.flac', 'bare.mp3'])
  const { status, headers: sent, body } = await http(url, '/mixtape/summer', { headers: { host: 'music.example', 'x-forwarded-proto': 'https' } })
  const html = body.toString()
  t.equal(status, 200)
  t.match(sent, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': /^default-src 'none'/ })
  for (const line of [
    '<title>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; $&amp; \'24 · Mixtape audio</title>',
    '<meta property="og:type" content="music.playlist">',
    '<meta property="og:title" content="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; $&amp; \'24">',
    '<meta property="og:description" content="2 tracks by Ann &quot;&amp;&quot; &lt;Bob&gt;">',
    '<meta property="og:url" content="https://music.example/mixtape/summer">',
    '<meta property="og:image" content="https://music.example/mixtapes/summer/cover.jpg">',
    '<meta name="twitter:card" content="summary">'
  ]) t.ok(html.includes(line), line)
  t.notOk(html.includes('<script>alert'))
  await save('bare', undefined, ['bare.mp3'])
  t.match((await http(url, '/mixtape/bare')).body.toString(), new RegExp(`og:title" content="bare"[^]*og:image" content="${url}/icon-512.png"`))
})

t.test('an unknown mixtape is said in words, and an unreachable one is tried again by the page', async t => {
  const { url, redis } = await site(t)
  for (const slug of ['unknown', '%3Cscript%3E', '%22']) {
    const { status, body } = await http(url, `/mixtape/${slug}`)
    t.equal(status, 404, slug)
    t.match(body.toString(), /<main[^>]*><section class="notice"><h1>There is no such mixtape<\/h1>/)
  }
  await redis.stop()
  t.match(await http(url, '/mixtape/unknown'), { status: 503, headers: { 'retry-after': '5' } })
})

t.test('a mixtape is exported as a playlist of absolute URLs', async t => {
  const { url, music, save } = await site(t)
  makeTrack(join(music, 'a b/100%?.flac'), { seconds: 1.6, tags: { title: 'Two\nlines', artist: 'Ann' } })
  await save('summer', 'Sum\nmer', ['a b/100%?.flac', 'gone.mp3'])
  const { headers: sent, body } = await http(url, '/mixtapes/summer/playlist.m3u8?quality=low')
  t.match(sent, { 'content-type': 'audio/x-mpegurl; charset=utf-8', 'content-disposition': 'attachment; filename="summer.m3u8"' })
  t.equal(body.toString(), [
    '#EXTM3U', '#PLAYLIST:Sum mer', '#EXTINF:2,Ann - Two lines', `${url}/play/a%20b/100%25%3F.flac?quality=low`,
    '#EXTINF:-1,gone.mp3', `${url}/play/gone.mp3?quality=low`, ''
  ].join('\n'))
  t.equal((await http(url, new URL(body.toString().split('\n')[3] ?? '').href.replace(url, ''))).status, 200)
  t.equal((await http(url, '/mixtapes/%2e%2e/playlist.m3u8')).status, 400, 'browsers would leave it out of a URL')
  t.match((await http(url, '/mixtapes/a%20b/playlist.m3u8')).json(), { statusCode: 400, message: /^slug must have 1 to 200 letters/ })
  t.match((await http(url, '/mixtapes/summer/playlist.m3u8?quality=best')).json(), { statusCode: 400, message: /^quality must be one of: original, high/ })
  rmSync(music, { recursive: true })
})

t.test('the events of a mixtape that waits end at once when the service stops', async t => {
  const { app, url, music, save } = await site(t)
  writeFileSync(join(music, 'a.flac'), 'there is no worker')
  await save('waits', undefined, ['a.flac'])
  const events = (await fetch(`${url}/mixtapes/waits/events`)).body?.pipeThrough(new TextDecoderStream()).getReader()
  t.match(await events?.read(), { value: /"status":"in_progress"/ })
  const [, last] = await Promise.all([app.close(), events?.read()])
  t.same(last, { done: true, value: undefined })
})
