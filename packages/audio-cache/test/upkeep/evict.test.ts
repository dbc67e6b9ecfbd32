import { mkdirSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { evict } from '../../src/upkeep/evict.ts'

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
    t.equal(removed.bytesBefore, total)
    t.equal(removed.bytes, gone.reduce((sum, { size }) => sum + size, 0))
    t.ok(readFileSync(join(dir, '0/foreign.txt')))
  }
})

t.test('a reader in mid-download reads to the end of what is evicted', async t => {
  const dir = t.testdir({ 'a_low.mp3': 'x'.repeat(1000) })
  const fd = openSync(join(dir, 'a_low.mp3'), 'r')
  t.equal((await evict(dir, 1, async candidates => candidates.map(() => [0]))).files, 1)
  t.equal(readSync(fd, Buffer.alloc(2000), 0, 2000, 0), 1000)
})
