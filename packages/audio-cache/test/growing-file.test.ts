import { t } from 'tap'
import { cacheFixture } from '../../../test/fixtures/audio-cache.ts'
import { GrowingFile } from '../src/growing-file.ts'

t.test('a listener that waits for an encoder without progress gets a time to retry', async t => {
  const { library, cache, startPart } = cacheFixture(t, ['a.flac'])
  const part = await startPart('a.flac', 'medium')
  const track = await library.open('a.flac')
  const growing = track && await cache.findGrowing(track, 'medium')
  if (!(growing instanceof GrowingFile)) throw new Error('no growing file')
  const written = part.size - part.missing - 128 // the ID3v1 tag at the end is written already
  t.equal(await growing.reach(written - 1, 10_000, () => false), 'ready')
  t.same(await growing.reach(written, 10_000, () => false), { retryAfter: 60 })
  await part.discard()
  t.equal(await growing.reach(written, 0, () => false), 'ended')
  await Promise.all([growing.close(), track?.close()])
})
