import { mkdirSync, openSync, readFileSync, readdirSync, readSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { AudioCache } from '../src/cache.ts'
import { PROFILE } from '../src/provenance.ts'
import { evict } from '../src/evict.ts'
import { Library } from '../src/library.ts'
import { id3v2 } from '../src/tag.ts'
import { removeExactly, walk, type Entry } from '../src/walk.ts'

t.test('what goes is what ranks lowest, no more than is needed, and never what must stay', async t => {
  for (let round = 0; round < 20; round++) {
    const dir = t.testdir()
    const files = Array.from({ length: 1 + Math.floor(Math.random() * 1500) }, (_, i) => ({
      path: `${i % 7}/${i}_low.mp3`, size: 1 + Math.floor(Math.random() * 300), rank: Math.random(), stays: Math.random() < 0.2
    }))
    for (let i = 0; i < 7; i++) mkdirSync(join(dir, `${i}`))
    for (const { path, size } of files) writeFileSync(join(dir, path), Buffer.alloc(size))
    writeFileSync(join(dir, '0/foreign.txt'), 'x')
    const ranks = new Map(files.map(file => [file.path, file]))
    const total = files.reduce((sum, { size }) => sum + size, 0)
    const wanted = Math.floor(Math.random() * total * 1.2)

    const removed = await evict(dir, wanted, async candidates => candidates.map(({ path }) => {
      const file = ranks.get(path)
      return file && !file.stays ? [file.rank] : undefined
    }))
    const gone = files.filter(({ path }) => !statSync(join(dir, path), { throwIfNoEntry: false }))
    const mayGo = files.filter(({ stays }) => !stays).sort((a, b) => a.rank - b.rank)
    const expected = []
    for (let sum = 0, i = 0; sum < wanted && i < mayGo.length; i++) {
      sum += mayGo[i]?.size ?? 0
      expected.push(mayGo[i])
    }
    t.same(gone.map(({ path }) => path).sort(), expected.map(file => file?.path).sort())
    t.equal(removed.before, total)
    t.equal(removed.bytes, gone.reduce((sum, { size }) => sum + size, 0))
    t.ok(readFileSync(join(dir, '0/foreign.txt')))
  }
})

t.test('a file that was published over the one that was to go survives', async t => {
  const dir = t.testdir({ 'a_low.mp3': 'old' })
  let seen: Entry | undefined
  await walk(dir, entry => { seen = entry; return false })
  writeFileSync(join(dir, 'new'), 'new')
  renameSync(join(dir, 'new'), join(dir, 'a_low.mp3'))
  t.equal(await removeExactly(dir, seen as Entry), false)
  t.same(readdirSync(dir), ['a_low.mp3'])
  t.equal(readFileSync(join(dir, 'a_low.mp3'), 'utf8'), 'new')
})

t.test('a reader in mid-download reads to the end of what is evicted', async t => {
  const dir = t.testdir({ 'a_low.mp3': 'x'.repeat(1000) })
  const fd = openSync(join(dir, 'a_low.mp3'), 'r')
  t.equal((await evict(dir, 1, async candidates => candidates.map(() => [0]))).files, 1)
  t.equal(readSync(fd, Buffer.alloc(2000), 0, 2000, 0), 1000)
})

t.test('orphans go; what is in order, and what is not ours, stays', async t => {
  const dir = t.testdir({
    music: { 'a.flac': 'a', 'b.flac': 'b' },
    cache: { 'other_low.mp3': 'of another tool', 'cover.jpg': 'x', empty: { deeper: {} }, '.0123456789abcdef.0123456789abcdef.part': 'x' }
  })
  const library = new Library(join(dir, 'music'))
  const cache = new AudioCache(join(dir, 'cache'), library, ['.flac'])
  const write = async (name: string, source: string, version?: string, profile = PROFILE) => {
    const track = await library.open(source)
    await track?.close()
    writeFileSync(join(dir, 'cache', name), id3v2({}, {
      file: source, version: version ?? track?.version ?? 'gone', samples: 1, profile, generation: 'x'
    }))
  }
  await write('a_low.mp3', 'a.flac')
  await write('b_low.mp3', 'b.flac', '1-1')
  await write('c_low.mp3', 'c.flac')
  await write('a_high.mp3', 'a.flac', undefined, 0)
  utimesSync(join(dir, 'cache/.0123456789abcdef.0123456789abcdef.part'), 1e9, 1e9)

  t.match(await cache.sweepOrphans(), { orphans: 3, parts: 1, foreign: 2 })
  t.same(readdirSync(join(dir, 'cache')).sort(), ['a_low.mp3', 'cover.jpg', 'other_low.mp3'])

  rmSync(join(dir, 'music/a.flac'))
  rmSync(join(dir, 'music/b.flac'))
  await t.rejects(cache.sweepOrphans(), { message: /empty or not mounted/ })
  rmSync(join(dir, 'music'), { recursive: true })
  await t.rejects(cache.sweepOrphans(), { message: /empty or not mounted/ })
  t.ok(readdirSync(join(dir, 'cache')).includes('a_low.mp3'))
})
