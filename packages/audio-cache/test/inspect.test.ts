import { appendFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { cacheFixture } from '../../../test/fixtures/audio-cache.ts'
import { inspectCached } from '../src/inspect.ts'

t.test('each file where a transcode could be has a verdict', async t => {
  const { root, dir, library, cache, publish } = cacheFixture(t, ['a.flac', 'b.flac', 'c.flac', 'd.flac', 'e.flac', 'song.flac', 'song.wav'])
  const inspect = async (path: string) => {
    const track = await library.open(path)
    const files = await inspectCached(cache, path, track, 'medium')
    await track?.close()
    return files
  }
  t.same(await inspect('a.flac'), [])

  for (const name of ['a', 'b', 'c', 'd', 'song']) await publish(`${name}.flac`)
  t.match(await inspect('a.flac'), [
    { path: 'a_medium.mp3', size: Number, cachedAt: Number, madeFrom: { file: 'a.flac', version: String }, verdict: 'hit' }
  ])
  t.match(await inspect('song.wav'), [{ path: 'song_medium.mp3', madeFrom: { file: 'song.flac' }, verdict: 'other-source' }])
  writeFileSync(join(root, 'b.flac'), 'another recording')
  t.match(await inspect('b.flac'), [{ verdict: 'source-changed' }])
  appendFileSync(join(dir, 'cache/c_medium.mp3'), 'x')
  t.match(await inspect('c.flac'), [{ verdict: 'wrong-size' }])
  rmSync(join(root, 'd.flac'))
  t.match(await inspect('d.flac'), [{ verdict: 'source-gone' }])
  rmSync(join(root, 'song.wav'))
  t.match(await inspect('song.wav'), [{ verdict: 'other-source' }], 'the source of the cached file is still there')
  writeFileSync(join(root, 'song.wav'), 'source song.wav')
  writeFileSync(join(dir, 'cache/gone_medium.mp3'), 'mp3')
  t.match(await inspect('gone.flac'), [{ verdict: 'not-trusted' }], 'the nightly run keeps what another tool made')

  writeFileSync(join(dir, 'cache/e_medium.mp3'), 'mp3')
  t.match(await inspect('e.flac'), [{ madeFrom: undefined, verdict: 'hit' }])
  utimesSync(join(dir, 'cache/e_medium.mp3'), 1e9, 1e9)
  t.match(await inspect('e.flac'), [{ verdict: 'not-trusted' }])
  await publish('song.wav')
  renameSync(join(root, 'a.flac'), join(root, 'song.ogg'))
  t.match(await inspect('song.wav'), [{ verdict: 'other-source' }, { path: 'song.wav_medium.mp3', verdict: 'hit' }])
})
