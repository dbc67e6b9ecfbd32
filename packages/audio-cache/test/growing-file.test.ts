import { statSync, utimesSync } from 'node:fs'
import { t, type Test } from 'tap'
import { cacheFixture } from '../../../test/fixtures/audio-cache.ts'
import { partsIn } from '../../../test/fixtures/cache-folder.ts'
import { until } from '../../../test/fixtures/services.ts'
import { GrowingFile } from '../src/growing-file.ts'

/** @returns a part that has its tag and Info frame, and what a listener reads of it */
async function setUp (t: Test) {
  const { library, cache, startPart } = cacheFixture(t, ['a.flac'])
  const part = await startPart('a.flac', 'medium')
  const track = await library.open('a.flac')
  const growing = track && await cache.findGrowing(track, 'medium')
  if (!(growing instanceof GrowingFile)) throw new Error('no growing file')
  t.teardown(async () => { await Promise.all([growing.close(), track?.close()]) })
  return { cache, part, growing }
}

t.test('a listener that waits for an encoder without progress gets a time to retry', async t => {
  const { part, growing } = await setUp(t)
  const written = part.size - part.missing - 128 // the ID3v1 tag at the end is written already
  t.equal(await growing.reach(written - 1, 10_000, () => false), 'ready')
  t.same(await growing.reach(written, 10_000, () => false), { retryAfter: 60 })
  await part.discard()
  t.equal(await growing.reach(written, 0, () => false), 'ended')
})

t.test('a listener waits on when the mtime of the part goes back a little, and not when its worker abandons it', async t => {
  const { cache, part, growing } = await setUp(t)
  const [path = ''] = partsIn(cache.dir).map(({ path }) => path)
  const setBack = (seconds: number) => {
    const time = statSync(path).mtimeMs / 1000 - seconds
    utimesSync(path, time, time)
  }
  let polled = 0
  const waiting = growing.reach(part.size - part.missing - 128, 0, () => {
    if (++polled === 2) setBack(0.01)
    return false
  })
  await until(() => polled >= 4)
  await part.append(Buffer.alloc(1000))
  t.equal(await waiting, 'ready')
  polled = 0
  t.equal(await growing.reach(part.size - part.missing - 128, 0, () => {
    if (++polled === 2) setBack(10)
    return false
  }), 'ended')
  await part.discard()
})
