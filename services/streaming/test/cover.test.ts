import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { t } from 'tap'
import { build } from '../../../test/fixtures/app.ts'
import { http } from '../../../test/fixtures/http.ts'
import { embedPicture, jpeg } from '../../../test/fixtures/pictures.ts'
import { makeTrack } from '../../../test/fixtures/tracks.ts'

const RED = '#d01010'
const BLUE = '#1010d0'

/** @returns whether a picture is red or blue, and its longer side in pixels */
async function look (picture: Buffer): Promise<[string, number]> {
  const { info, data } = await sharp(picture).raw().toBuffer({ resolveWithObject: true })
  return [(data[0] ?? 0) > (data[2] ?? 0) ? 'red' : 'blue', Math.max(info.width, info.height)]
}

t.test('a track shows its own picture, else that of its folder; a folder the other way round', async t => {
  const { url, music } = await build(t)
  const cover = async (path: string) => await look((await http(url, `/cover/${path}`)).body)
  makeTrack(join(music, 'artist/album/plain.flac'), { seconds: 0.1 })
  const own = makeTrack(join(music, 'artist/album/own.flac'), { seconds: 0.1 })
  embedPicture(own, await jpeg(RED))
  writeFileSync(join(music, 'artist/album/Folder.PNG'), await sharp(await jpeg(BLUE)).png().toBuffer())
  t.same(await cover('artist/album/own.flac?size=96'), ['red', 96])
  t.same(await cover('artist/album/plain.flac?size=256'), ['blue', 256])
  t.same(await cover('artist/album/?size=96'), ['blue', 96])
  t.same(await cover('artist'), ['blue', 300], 'of its first album; a small picture is not enlarged')
  writeFileSync(join(music, 'artist/album/cover.jpg'), await jpeg(RED))
  t.same(await cover('artist/album'), ['red', 300], 'cover.* goes before folder.*')
  truncateSync(join(music, 'artist/album/cover.jpg'), 41 * 1024 * 1024)
  t.same(await cover('artist/album'), ['blue', 300], 'a picture of more than 40 MiB is passed over')
  rmSync(join(music, 'artist/album/cover.jpg'))
  rmSync(join(music, 'artist/album/Folder.PNG'))
  t.same(await cover('artist/album'), ['red', 300], 'the picture of its first track')
})

t.test('a thumbnail is made once, revalidated by its entity tag, and known to stats and clear', async t => {
  const { url, music, cache } = await build(t, { AUDIO_CACHE_MIN_FREE: '1B' })
  mkdirSync(join(music, 'album'))
  writeFileSync(join(music, 'album/cover.jpg'), await jpeg(RED))
  const get = async (headers = {}) => await http(url, '/cover/album?size=256', { headers })
  const first = await get()
  t.match(first.headers, { 'content-type': 'image/webp', 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff', etag: /^"\w+"$/ })
  const [kept = ''] = readdirSync(join(cache, 'album'))
  t.match(kept, /^cover\.jpg_\d+-\d+_256\.webp$/)
  writeFileSync(join(cache, 'album', kept), 'the kept file')
  t.equal((await get()).body.toString(), 'the kept file')
  t.match(await get({ 'if-none-match': first.headers.etag }), { status: 304, body: { length: 0 } })

  t.match((await http(url, '/admin/cache/stats')).json(), { cached_files: 1, cache_size_bytes: 13, covers: { files: 1, bytes: 13 } })
  const clear = async (query: string) => (await http(url, `/admin/cache/clear?${query}`, { method: 'POST' })).json().deleted_files
  t.equal(await clear('quality=low'), 0)
  t.equal(await clear('path=other'), 0)
  t.equal(await clear('path=album'), 1)

  writeFileSync(join(music, 'album/cover.jpg'), await jpeg(BLUE))
  const changed = await get({ 'if-none-match': first.headers.etag })
  t.equal(changed.status, 200)
  t.same(await look(changed.body), ['blue', 256])
})

t.test('nothing is kept where the cache is disabled or full', async t => {
  for (const [name, value] of [['AUDIO_CACHE_ENABLED', 'false'], ['AUDIO_CACHE_MIN_FREE', '900TB'], ['AUDIO_CACHE_MAX_SIZE', '1GB']] as const) {
    await t.test(name, async t => {
      const { url, music, cache } = await build(t, { [name]: value }) // without Redis nobody knows how full a limited cache is
      writeFileSync(join(music, 'cover.jpg'), await jpeg(RED))
      t.same(await look((await http(url, '/cover/')).body), ['red', 300])
      t.same(await look((await http(url, '/cover')).body), ['red', 300])
      t.same(readdirSync(cache), [])
    })
  }
})

t.test('a broken picture is skipped where there is another one, and an error in words where there is none', async t => {
  const { url, music } = await build(t)
  const damaged = (await jpeg(RED)).subarray(0, 400)
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
  mkdirSync(join(music, 'a'))
  writeFileSync(join(music, 'a/cover.jpg'), damaged)
  t.match(await http(url, '/cover/a'), { status: 422 })
  t.match((await http(url, '/cover/a')).json(), { message: /^The cover cannot be shown: it is damaged/ })
  writeFileSync(join(music, 'a/cover.png'), svg)
  t.equal((await http(url, '/cover/a')).status, 422, 'not decoded, whatever its name')
  writeFileSync(join(music, 'a/folder.jpg'), await jpeg(BLUE))
  t.same(await look((await http(url, '/cover/a')).body), ['blue', 300])

  const large = await sharp({ create: { width: 9000, height: 9000, channels: 3, background: RED } }).png().toBuffer()
  mkdirSync(join(music, 'b'))
  writeFileSync(join(music, 'b/cover.png'), large)
  t.equal((await http(url, '/cover/b')).status, 422)
})

t.test('everything else is an error in words', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'a.flac'), 'no audio')
  writeFileSync(join(music, 'secret.jpg'), await jpeg(RED))
  for (const path of ['', 'a.flac', 'missing.flac', 'missing', '../x', 'secret.jpg']) {
    t.match((await http(url, `/cover/${path}`)).json(), { statusCode: 404, message: /^(No cover|There is nothing here)$/ }, path)
  }
  for (const query of ['size=100', 'size=', 'size=96&size=96', 'width=96']) {
    t.match((await http(url, `/cover/a.flac?${query}`)).json(), { statusCode: 400, message: /^(size must be one of: 96, 256, 512, 1024|There is no width: only size)$/ })
  }
})

t.test('clients that ask together share one decoding', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'cover.jpg'), await jpeg(RED, 2000))
  const answers = await Promise.all(Array.from({ length: 20 }, () => http(url, '/cover/?size=96')))
  t.ok(answers.every(({ status, body }) => status === 200 && body.equals(answers[0]?.body as Buffer)))
})
