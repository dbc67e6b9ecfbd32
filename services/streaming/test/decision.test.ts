import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t, type Test } from 'tap'
import { build } from '../../../test/fixtures/app.ts'
import { http } from '../../../test/fixtures/http.ts'

/** Makes a track of 1000 bytes, whose transcode at low has 400 bytes. @returns a function that plays it at low */
async function setUp (t: Test) {
  const { url, music, cache } = await build(t)
  writeFileSync(join(music, 'a.flac'), Buffer.alloc(1000, 'o'))
  writeFileSync(join(cache, 'a_low.mp3'), Buffer.alloc(400, 't'))
  const play = async (headers: Record<string, string>, method = 'GET') => {
    const { status, headers: { 'cache-status': cacheStatus, 'content-range': contentRange }, body } =
      await http(url, '/play/a.flac?quality=low', { method, headers })
    return { status, cacheStatus, contentRange, body: body.toString() }
  }
  return { play }
}

t.test('a bare range beyond the end of the transcode is answered from the original', async t => {
  const { play } = await setUp(t)
  t.match(await play({ range: 'bytes=600-' }), {
    status: 206, cacheStatus: 'mixtape; fwd=request; detail=pinned', contentRange: 'bytes 600-999/1000', body: /^o+$/
  })
  t.match(await play({ range: 'bytes=401-500' }), { status: 206, contentRange: 'bytes 401-500/1000' })
})

t.test('every other range is answered from the transcode', async t => {
  const { play } = await setUp(t)
  t.match(await play({ range: 'bytes=399-' }), { status: 206, cacheStatus: 'mixtape; hit', contentRange: 'bytes 399-399/400' })
  t.match(await play({ range: 'bytes=400-' }), { status: 416, contentRange: 'bytes */400' }, 'a complete download is resumed')
  t.match(await play({ range: 'bytes=1000-' }), { status: 416, contentRange: 'bytes */400' }, 'beyond both files')
  t.match(await play({ range: 'bytes=-900' }), { status: 206, contentRange: 'bytes 0-399/400' }, 'a suffix')
  t.match(await play({ range: 'bytes=600-,700-' }), { status: 416 }, 'several ranges')
  t.match(await play({ range: 'bytes=600-', 'if-range': '"other"' }), { status: 200, cacheStatus: 'mixtape; hit' })
  t.match(await play({ range: 'bytes=600-', 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' }), { status: 416 })
})
