import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { t, type Test } from 'tap'
import { AudioCache } from '../src/cache.ts'
import { GrowingFile } from '../src/growing-file.ts'
import { Library } from '../src/library.ts'
import { mp3Size } from '../src/mp3-layout.ts'
import type { TranscodeQuality } from '../src/qualities.ts'

const SAMPLES = 44100

function setUp (t: Test, names: string[]) {
  const dir = t.testdir({ music: {}, cache: {} })
  const root = join(dir, 'music')
  for (const name of names) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), `source ${name}`)
  }
  const library = new Library(root)
  const cache = new AudioCache(join(dir, 'cache'), library, ['.flac', '.wav', '.ogg', '.m4a'])

  async function begin (path: string, quality: TranscodeQuality) {
    const track = await library.open(path)
    if (!track) throw new Error(`no ${path}`)
    const part = await cache.createPart(track, quality)
    part.layOut(SAMPLES, { title: path })
    await part.begin()
    await track.close()
    return part
  }

  async function publish (path: string, quality: TranscodeQuality = 'medium') {
    const part = await begin(path, quality)
    await part.append(Buffer.alloc(part.size - headSize(part.size, quality) - 128))
    return (await cache.publish(part)).path
  }

  /** @returns 'hit', or why not */
  async function look (path: string, quality: TranscodeQuality = 'medium') {
    const track = await library.open(path)
    if (!track) throw new Error(`no ${path}`)
    const found = await cache.find(track, quality)
    await track.close()
    if (found.status === 'miss') return found.reason
    await found.file.close()
    return found.status
  }

  return { dir, root, library, cache, begin, publish, look }
}

/** Bytes that a part has before the encoder's first. */
function headSize (size: number, quality: TranscodeQuality): number {
  const frames = { high: 835, medium: 626, low: 417 }[quality]
  return size - 128 - mp3Size(SAMPLES, quality) + frames
}

t.test('a published transcode is a hit, at the place that the documentation says', async t => {
  const { dir, publish, look } = setUp(t, ['jazz/miles-davis/so-what.flac'])
  t.equal(await look('jazz/miles-davis/so-what.flac'), 'absent')
  t.equal(await publish('jazz/miles-davis/so-what.flac'), 'jazz/miles-davis/so-what_medium.mp3')
  t.equal(await look('jazz/miles-davis/so-what.flac'), 'hit')
  t.equal(await look('jazz/miles-davis/so-what.flac', 'low'), 'absent')
  t.same(await readdir(join(dir, 'cache/jazz/miles-davis')), ['so-what_medium.mp3'])
})

t.test('a replaced source is never served by mistake, not even an older one', async t => {
  const { root, publish, look } = setUp(t, ['a.flac'])
  await publish('a.flac')
  t.equal(await look('a.flac'), 'hit')
  writeFileSync(join(root, 'other'), 'another recording')
  utimesSync(join(root, 'other'), 1e9, 1e9)
  renameSync(join(root, 'other'), join(root, 'a.flac'))
  t.equal(await look('a.flac'), 'stale')
  await publish('a.flac')
  t.equal(await look('a.flac'), 'hit')
})

t.test('sources that share a stem live side by side', async t => {
  const names = ['song.flac', 'song.wav', 'song.ogg', 'song.wav.flac']
  const { publish, look } = setUp(t, names)
  t.equal(await publish('song.flac'), 'song_medium.mp3')
  t.equal(await look('song.wav'), 'absent')
  t.equal(await publish('song.wav'), 'song.wav_medium.mp3')
  t.equal(await publish('song.ogg'), 'song.ogg_medium.mp3')
  t.equal(await publish('song.wav.flac'), 'song.wav.flac_medium.mp3')
  for (const name of names) t.equal(await look(name), 'hit', name)
})

t.test('a name that the transcode would make too long for the file system is cut', async t => {
  const names = [`${'x'.repeat(250)}.flac`, `${'x'.repeat(249)}y.flac`, `${'音'.repeat(83)}.flac`]
  const { publish, look } = setUp(t, names)
  for (const name of names) {
    t.equal(await look(name), 'absent')
    await publish(name)
  }
  for (const name of names) t.equal(await look(name), 'hit')
})

t.test('an MP3 of another tool is a hit while it is not older than its only possible source', async t => {
  const { dir, root, look } = setUp(t, ['a.flac', 'b.flac', 'b.wav', 'c.flac', 'c.mp3'])
  for (const name of ['a', 'b', 'c']) writeFileSync(join(dir, `cache/${name}_medium.mp3`), 'mp3')
  t.equal(await look('a.flac'), 'hit')
  t.equal(await look('b.flac'), 'stale', 'made from which of the two?')
  t.equal(await look('c.flac'), 'hit', 'an MP3 beside it is not transcoded')
  const later = Date.now() / 1000 + 60
  utimesSync(join(root, 'a.flac'), later, later)
  t.equal(await look('a.flac'), 'stale')
})

t.test('what is not whole is not published, and leaves nothing', async t => {
  const { dir, cache, begin, look } = setUp(t, ['a.flac'])
  const part = await begin('a.flac', 'low')
  t.equal(await look('a.flac', 'low'), 'absent')
  await part.append(Buffer.alloc(1000))
  await t.rejects(cache.publish(part), { message: /^The file lacks \d+ of its \d+ bytes/ })
  await part.discard()
  t.same(readdirSync(join(dir, 'cache')), [])

  const long = await begin('a.flac', 'low')
  await t.rejects(long.append(Buffer.alloc(long.size)), { message: /^The encoder wrote more than/ })
  await long.discard()
  t.same(readdirSync(join(dir, 'cache')), [])
})

t.test('a cached file that was cut short is not served', async t => {
  const { dir, publish, look } = setUp(t, ['a.flac'])
  const file = join(dir, 'cache', await publish('a.flac'))
  writeFileSync(file, readFileSync(file).subarray(0, -1))
  t.equal(await look('a.flac'), 'stale')
})

t.test('stats count cached files, clear deletes them and the directories that empties, and nothing else', async t => {
  const { dir, cache, begin, publish } = setUp(t, ['a/a.flac', 'b/b.flac'])
  for (const path of ['a/a.flac', 'b/b.flac']) {
    for (const quality of ['high', 'low'] as const) await publish(path, quality)
  }
  const outside = join(dir, 'outside')
  mkdirSync(join(outside, 'sub'), { recursive: true })
  writeFileSync(join(outside, 'sub/x_high.mp3'), 'not ours')
  symlinkSync(outside, join(dir, 'cache/link'))
  symlinkSync(join(outside, 'sub/x_high.mp3'), join(dir, 'cache/y_high.mp3'))
  writeFileSync(join(dir, 'cache/b/cover.jpg'), 'not ours')
  const running = await begin('a/a.flac', 'medium')
  const bytes = ['a/a_high', 'a/a_low', 'b/b_high', 'b/b_low']
    .reduce((sum, name) => sum + readFileSync(join(dir, `cache/${name}.mp3`)).length, 0)
  t.match(await cache.stats(), { files: 4, bytes, byQuality: { high: { files: 2 }, medium: { files: 0, bytes: 0 }, low: { files: 2 } } })

  utimesSync(join(dir, 'cache/b/b_low.mp3'), 1e9, 1e9)
  t.equal((await cache.clear({ olderThanMs: 24 * 3600 * 1000 })).files, 1)
  t.same(await cache.stats().then(stats => stats.files), 3)
  t.equal((await cache.clear()).files, 3)
  t.equal((await cache.clear()).files, 0)
  t.match(readdirSync(join(dir, 'cache/a')), [/^\..+\.part$/], 'a running part is left alone')
  t.same(readdirSync(join(dir, 'cache/b')), ['cover.jpg'])
  t.same(readdirSync(join(outside, 'sub')), ['x_high.mp3'])

  const [part = ''] = readdirSync(join(dir, 'cache/a'))
  t.equal(await cache.sweepParts(), 0, 'a part whose worker lives')
  utimesSync(join(dir, 'cache/a', part), 1e9, 1e9)
  t.equal(await cache.sweepParts(), 1)
  t.notOk(readdirSync(join(dir, 'cache')).includes('a'))
  await running.discard()
})

t.test('a listener who waits for the very next byte of an encoder at rest may come back', async t => {
  const { library, cache, begin } = setUp(t, ['a.flac'])
  const part = await begin('a.flac', 'medium')
  const track = await library.open('a.flac')
  const growing = track && await cache.findGrowing(track, 'medium')
  if (!(growing instanceof GrowingFile)) throw new Error('nothing grows')
  const written = part.size - part.missing - 128 // the tag at the end
  t.equal(await growing.reach(written - 1, 10_000, () => false), 'ready')
  t.same(await growing.reach(written, 10_000, () => false), { retryAfter: 60 })
  await part.discard()
  t.equal(await growing.reach(written, 0, () => false), 'given up')
  await Promise.all([growing.close(), track?.close()])
})

t.test('a part that was swept is not published', async t => {
  const { dir, cache, begin } = setUp(t, ['a.flac'])
  const part = await begin('a.flac', 'low')
  await part.append(Buffer.alloc(part.size - headSize(part.size, 'low') - 128))
  const [name = ''] = readdirSync(join(dir, 'cache'))
  utimesSync(join(dir, 'cache', name), 1e9, 1e9)
  t.equal(await cache.sweepParts(), 1)
  await t.rejects(cache.publish(part), { message: /deleted while/ })
  await part.discard()
})

t.test('a cached file that cannot be read leaves no descriptor open', async t => {
  const { dir, root, cache, look } = setUp(t, ['a.flac'])
  writeFileSync(join(dir, 'cache/a_medium.mp3'), 'mp3')
  t.equal(await look('a.flac'), 'hit')
  const track = await new Library(root).open('a.flac')
  if (!track) throw new Error('no a.flac')
  await track.close()
  const descriptors = () => readdirSync('/proc/self/fd').length
  const before = descriptors()
  const loop = { ...track, path: 'a.flac', get mtimeNs (): bigint { throw new Error('no more descriptors') } }
  await t.rejects(cache.find(loop, 'medium'), { message: 'no more descriptors' })
  t.equal(descriptors(), before)
})
