import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { t, type Test } from 'tap'
import { until } from '../../../test/fixtures/services.ts'
import { DescriptorCache } from '../src/descriptor-cache.ts'

function setUp (t: Test, max?: number) {
  const dir = t.testdir()
  const files = new DescriptorCache({ wrap: file => file, max })
  const path = (name: string) => join(dir, name)
  /** Writes a file, and waits so long that its next change has another ctime. */
  const write = async (name: string, content: string) => {
    writeFileSync(path(name), content)
    while (Date.now() - statSync(path(name)).ctimeMs < 60) await setTimeout(10)
  }
  /** @returns the content of a file; undefined where it cannot be opened */
  const read = async (name: string) => {
    const file = await files.open(path(name))
    const content = file && (await file.head(100)).toString()
    await file?.close()
    return content
  }
  /** @returns the paths of all open files of the test */
  const descriptors = () => readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return []
    }
  }).filter(target => target.startsWith(dir))
  return { files, path, write, read, descriptors }
}

t.test('a file stays open, and the next open() notices each change of it', async t => {
  const { path, write, read, descriptors } = setUp(t)
  await write('a', 'one')
  for (let i = 0; i < 3; i++) t.equal(await read('a'), 'one')
  t.same(descriptors(), [path('a')])

  await write('b', 'two')
  renameSync(path('b'), path('a'))
  t.equal(await read('a'), 'two', 'replaced')

  const { atime, mtime } = statSync(path('a'))
  writeFileSync(path('a'), 'six')
  utimesSync(path('a'), atime, mtime)
  t.equal(await read('a'), 'six', 'overwritten with the same size and mtime')

  rmSync(path('a'))
  t.equal(await read('a'), undefined)
  await until(() => descriptors().length === 0) // the cache does not wait for a file to be closed
  await write('a', 'new')
  t.equal(await read('a'), 'new')
})

t.test('calls in one tick share their result, and a later call gets a new one', async t => {
  const { files, path, write } = setUp(t)
  for (const [name, content] of [['a', 'one'], ['b', 'two']] as const) await write(name, content)
  await (await files.open(path('a')))?.close()
  const concurrent = await Promise.all([files.open(path('a')), files.open(path('a'))])
  t.equal(concurrent[0], concurrent[1])
  await setImmediate() // ends the tick
  renameSync(path('b'), path('a'))
  const later = await files.open(path('a'))
  t.equal((await later?.head(10))?.toString(), 'two')
  for (const file of [...concurrent, later]) await file?.close()
})

t.test('a client that has a file open reads it to its end when it is replaced', async t => {
  const { files, path, write, read, descriptors } = setUp(t)
  await write('a', 'one')
  t.equal(await read('a'), 'one')
  const file = await files.open(path('a'))
  await write('b', 'two')
  renameSync(path('b'), path('a'))
  t.equal(await read('a'), 'two')
  t.equal((await file?.head(10))?.toString(), 'one')
  await file?.close()
  t.same(descriptors(), [], 'a file that was renamed within the last clock tick is not kept')
})

t.test('at most `max` descriptors are kept, those that were used last', async t => {
  const { path, write, read, descriptors } = setUp(t, 2)
  for (const name of ['a', 'b', 'c']) await write(name, name)
  for (const name of ['a', 'b', 'a', 'c']) t.equal(await read(name), name)
  await until(() => descriptors().length === 2) // the cache does not wait for a file to be closed
  t.same(descriptors().sort(), [path('a'), path('c')])
})

t.test('a file that is not regular is not opened, and delays no other call', async t => {
  const { files, path, write, read } = setUp(t)
  execFileSync('mkfifo', [path('fifo')])
  await write('a', 'one')
  const waits = Array.from({ length: 10 }, () => files.open(path('fifo')))
  t.equal(await read('a'), 'one')
  t.same(await Promise.all(waits), Array.from({ length: 10 }))
  t.equal(await files.open(path('.')), undefined)
  t.equal(await files.open(path('nothing')), undefined)
  t.equal(await files.open(`${path('a')}\0`), undefined)
})
