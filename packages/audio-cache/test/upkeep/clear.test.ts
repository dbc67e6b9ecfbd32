import { mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { cacheFixture } from '../../../../test/fixtures/audio-cache.ts'
import { clearCache, clearDeadParts } from '../../src/upkeep/clear.ts'
import { cacheStats } from '../../src/upkeep/stats.ts'

t.test('cacheStats() counts cached files only, and clearCache() deletes only them and their empty directories', async t => {
  const { dir, cache, startPart, publish } = cacheFixture(t, ['a/a.flac', 'b/b.flac'])
  for (const path of ['a/a.flac', 'b/b.flac']) {
    for (const quality of ['high', 'low'] as const) await publish(path, quality)
  }
  const outside = join(dir, 'outside')
  mkdirSync(join(outside, 'sub'), { recursive: true })
  writeFileSync(join(outside, 'sub/x_high.mp3'), 'not ours')
  symlinkSync(outside, join(dir, 'cache/link'))
  symlinkSync(join(outside, 'sub/x_high.mp3'), join(dir, 'cache/y_high.mp3'))
  writeFileSync(join(dir, 'cache/b/cover.jpg'), 'not ours')
  const runningPart = await startPart('a/a.flac', 'medium')
  const bytes = ['a/a_high', 'a/a_low', 'b/b_high', 'b/b_low']
    .reduce((sum, name) => sum + readFileSync(join(dir, `cache/${name}.mp3`)).length, 0)
  t.match(await cacheStats(cache.dir), { files: 4, bytes, byKind: { high: { files: 2 }, medium: { files: 0, bytes: 0 }, low: { files: 2 } } })

  utimesSync(join(dir, 'cache/b/b_low.mp3'), 1e9, 1e9)
  t.equal((await clearCache(cache.dir, { olderThanMs: 24 * 3600 * 1000 })).files, 1)
  t.same(await cacheStats(cache.dir).then(stats => stats.files), 3)
  t.equal((await clearCache(cache.dir)).files, 3)
  t.equal((await clearCache(cache.dir)).files, 0)
  t.match(readdirSync(join(dir, 'cache/a')), [/^\..+\.part$/], 'the part of a running job is kept')
  t.same(readdirSync(join(dir, 'cache/b')), ['cover.jpg'])
  t.same(readdirSync(join(outside, 'sub')), ['x_high.mp3'])

  const [part = ''] = readdirSync(join(dir, 'cache/a'))
  t.equal(await clearDeadParts(cache.dir), 0, 'a part that was written to is kept')
  const touch = (hoursAgo: number) => { utimesSync(join(dir, 'cache/a', part), new Date(), new Date(Date.now() - hoursAgo * 3_600_000)) }
  touch(23)
  t.equal(await clearDeadParts(cache.dir), 0, 'the next worker may go on with a dead part')
  touch(25)
  t.equal(await clearDeadParts(cache.dir), 1)
  t.notOk(readdirSync(join(dir, 'cache')).includes('a'))
  await runningPart.discard()
})
