import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { t } from 'tap'
import { Library } from '@mixtape/library'
import { cacheFixture, headSize } from '../../../test/fixtures/audio-cache.ts'
import { AudioCache } from '../src/audio-cache.ts'
import { clearDeadParts } from '../src/upkeep/clear.ts'

t.test('a published transcode is a hit, and has the documented path', async t => {
  const { dir, publish, lookUp } = cacheFixture(t, ['jazz/miles-davis/so-what.flac'])
  t.equal(await lookUp('jazz/miles-davis/so-what.flac'), 'absent')
  t.equal(await publish('jazz/miles-davis/so-what.flac'), 'jazz/miles-davis/so-what_medium.mp3')
  t.equal(await lookUp('jazz/miles-davis/so-what.flac'), 'hit')
  t.equal(await lookUp('jazz/miles-davis/so-what.flac', 'low'), 'absent')
  t.same(await readdir(join(dir, 'cache/jazz/miles-davis')), ['so-what_medium.mp3'])
})

t.test('a transcode is stale when its source is replaced, even by an older file', async t => {
  const { root, publish, lookUp } = cacheFixture(t, ['a.flac'])
  await publish('a.flac')
  t.equal(await lookUp('a.flac'), 'hit')
  writeFileSync(join(root, 'other'), 'another recording')
  utimesSync(join(root, 'other'), 1e9, 1e9)
  renameSync(join(root, 'other'), join(root, 'a.flac'))
  t.equal(await lookUp('a.flac'), 'stale')
  await publish('a.flac')
  t.equal(await lookUp('a.flac'), 'hit')
})

t.test('a host that sees the library or the cache late gets a miss, and never the bytes of another version', async t => {
  const { dir, root, publish } = cacheFixture(t, ['a.flac'])
  // Copies are what such a host sees: the names, sizes and times of an earlier moment.
  const keep = (moment: string) => {
    mkdirSync(join(dir, moment))
    execFileSync('cp', ['-a', join(dir, 'music'), join(dir, 'cache'), join(dir, moment)])
  }
  keep('empty')
  await publish('a.flac')
  keep('first')
  writeFileSync(join(root, 'a.flac'), 'another recording')
  await publish('a.flac')
  keep('second')
  keep('short')
  truncateSync(join(dir, 'short/cache/a_medium.mp3'), 5000)

  const see = async (musicAt: string, cacheAt: string) => {
    const library = new Library(join(dir, musicAt, 'music'))
    const track = await library.open('a.flac')
    if (!track) throw new Error('no a.flac')
    const found = await new AudioCache(join(dir, cacheAt, 'cache'), library, ['.flac']).find(track, 'medium')
    await track.close()
    if (found.status === 'miss') return found.reason
    await found.file.close()
    return found.file.provenance?.version === track.version ? 'hit' : 'wrong'
  }
  t.same(await Promise.all([see('second', 'second'), see('first', 'first')]), ['hit', 'hit'], 'all at one moment')
  t.same(await Promise.all([see('second', 'first'), see('first', 'second')]), ['stale', 'stale'], 'one of the two late')
  t.equal(await see('second', 'empty'), 'absent', 'the new name is not seen yet')
  t.equal(await see('second', 'short'), 'stale', 'the name is seen, and not all of its bytes')
})

t.test('sources with the same stem have separate cached files', async t => {
  const names = ['song.flac', 'song.wav', 'song.ogg', 'song.wav.flac']
  const { publish, lookUp } = cacheFixture(t, names)
  t.equal(await publish('song.flac'), 'song_medium.mp3')
  t.equal(await lookUp('song.wav'), 'absent')
  t.equal(await publish('song.wav'), 'song.wav_medium.mp3')
  t.equal(await publish('song.ogg'), 'song.ogg_medium.mp3')
  t.equal(await publish('song.wav.flac'), 'song.wav.flac_medium.mp3')
  for (const name of names) t.equal(await lookUp(name), 'hit', name)
})

t.test('the name of a cached file is cut where the file system could not hold it', async t => {
  const names = [`${'x'.repeat(250)}.flac`, `${'x'.repeat(249)}y.flac`, `${'音'.repeat(83)}.flac`]
  const { publish, lookUp } = cacheFixture(t, names)
  for (const name of names) {
    t.equal(await lookUp(name), 'absent')
    await publish(name)
  }
  for (const name of names) t.equal(await lookUp(name), 'hit')
})

t.test('an MP3 of another tool is a hit while it is not older than its only possible source', async t => {
  const { dir, root, lookUp } = cacheFixture(t, ['a.flac', 'b.flac', 'b.wav', 'c.flac', 'c.mp3'])
  for (const name of ['a', 'b', 'c']) writeFileSync(join(dir, `cache/${name}_medium.mp3`), 'mp3')
  t.equal(await lookUp('a.flac'), 'hit')
  t.equal(await lookUp('b.flac'), 'stale', 'two possible sources')
  t.equal(await lookUp('c.flac'), 'hit', 'an MP3 is no possible source')
  const later = Date.now() / 1000 + 60
  utimesSync(join(root, 'a.flac'), later, later)
  t.equal(await lookUp('a.flac'), 'stale')
})

t.test('a part that is too short or too long is not published, and leaves no file', async t => {
  const { dir, cache, startPart, lookUp } = cacheFixture(t, ['a.flac'])
  const part = await startPart('a.flac', 'low')
  t.equal(await lookUp('a.flac', 'low'), 'absent')
  await part.append(Buffer.alloc(1000))
  await t.rejects(cache.publish(part), { message: /^The file lacks \d+ of its \d+ bytes/ })
  await part.discard()
  t.same(readdirSync(join(dir, 'cache')), [])

  const long = await startPart('a.flac', 'low')
  await t.rejects(long.append(Buffer.alloc(long.size)), { message: /^The encoder wrote more than/ })
  await long.discard()
  t.same(readdirSync(join(dir, 'cache')), [])
})

t.test('a truncated cached file is stale', async t => {
  const { dir, publish, lookUp } = cacheFixture(t, ['a.flac'])
  const file = join(dir, 'cache', await publish('a.flac'))
  writeFileSync(file, readFileSync(file).subarray(0, -1))
  t.equal(await lookUp('a.flac'), 'stale')
})

t.test('a part that clearDeadParts() has deleted is not published', async t => {
  const { dir, cache, startPart } = cacheFixture(t, ['a.flac'])
  const part = await startPart('a.flac', 'low')
  await part.append(Buffer.alloc(part.size - headSize(part.size, 'low') - 128))
  const [name = ''] = readdirSync(join(dir, 'cache'))
  utimesSync(join(dir, 'cache', name), 1e9, 1e9)
  t.equal(await clearDeadParts(cache.dir), 1)
  await t.rejects(cache.publish(part), { message: /deleted while/ })
  await part.discard()
})

t.test('a look-up that fails leaves no descriptor open', async t => {
  const { dir, root, cache, lookUp } = cacheFixture(t, ['a.flac'])
  writeFileSync(join(dir, 'cache/a_medium.mp3'), 'mp3')
  t.equal(await lookUp('a.flac'), 'hit')
  const track = await new Library(root).open('a.flac')
  if (!track) throw new Error('no a.flac')
  await track.close()
  const descriptors = () => readdirSync('/proc/self/fd').length
  const before = descriptors()
  const brokenTrack = { ...track, path: 'a.flac', get mtimeNs (): bigint { throw new Error('no more descriptors') } }
  await t.rejects(cache.find(brokenTrack, 'medium'), { message: 'no more descriptors' })
  t.equal(descriptors(), before)
})
