import { mkdirSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { evict } from '../../src/upkeep/evict.ts'

t.test('evict() deletes the files of the lowest rank, no more than needed, none where they are not enough, and never a file without a rank', async t => {
  for (let round = 0; round < 20; round++) {
    const dir = t.testdir()
    const files = Array.from({ length: 1 + Math.floor(Math.random() * 1500) }, (_, i) => ({
      path: `${i % 7}/${i}_low.mp3`, size: 1 + Math.floor(Math.random() * 300), rank: Math.random(), isProtected: Math.random() < 0.2
    }))
    for (let i = 0; i < 7; i++) mkdirSync(join(dir, `${i}`))
    for (const { path, size } of files) writeFileSync(join(dir, path), Buffer.alloc(size))
    writeFileSync(join(dir, '0/foreign.txt'), 'x')
    const filesByPath = new Map(files.map(file => [file.path, file]))
    const total = files.reduce((sum, { size }) => sum + size, 0)
    const neededBytes = 1 + Math.floor(Math.random() * total)
    const spareBytes = Math.floor(Math.random() * total * 0.2)

    const removed = await evict(dir, neededBytes, async candidates => candidates.map(({ path }) => {
      const file = filesByPath.get(path)
      return file && !file.isProtected ? [file.rank] : undefined
    }), spareBytes)
    const deleted = files.filter(({ path }) => !statSync(join(dir, path), { throwIfNoEntry: false }))
    const evictable = files.filter(({ isProtected }) => !isProtected).sort((a, b) => a.rank - b.rank)
    const candidates = evictable.reduce((sum, { size }) => sum + size, 0) >= neededBytes ? evictable : []
    const expected = []
    for (let sum = 0, i = 0; sum < neededBytes + spareBytes && i < candidates.length; i++) {
      sum += candidates[i]?.size ?? 0
      expected.push(candidates[i])
    }
    t.same(deleted.map(({ path }) => path).sort(), expected.map(file => file?.path).sort())
    t.equal(removed.bytes, deleted.reduce((sum, { size }) => sum + size, 0))
    t.match(removed.byKind, { low: { files: files.length - deleted.length, bytes: total - removed.bytes }, high: { files: 0, bytes: 0 } })
    t.ok(readFileSync(join(dir, '0/foreign.txt')))
  }
})

t.test('a client that has an evicted file open reads it to its end', async t => {
  const dir = t.testdir({ 'a_low.mp3': 'x'.repeat(1000) })
  const fd = openSync(join(dir, 'a_low.mp3'), 'r')
  t.equal((await evict(dir, 1, async candidates => candidates.map(() => [0]))).files, 1)
  t.equal(readSync(fd, Buffer.alloc(2000), 0, 2000, 0), 1000)
})
