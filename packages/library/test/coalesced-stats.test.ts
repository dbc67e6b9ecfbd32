import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { t } from 'tap'
import { until } from '../../../test/fixtures/services.ts'
import { CoalescedStats } from '../src/coalesced-stats.ts'
import { isLocalDisk } from '../src/local-disk.ts'

t.test('a path is looked up in a thread until it is known to be local, whatever time it is', async t => {
  const path = join(t.testdir(), 'a')
  writeFileSync(path, 'content')
  const stats = new CoalescedStats()
  /** A look-up in a thread is a promise. */
  const isInThread = async () => {
    await setImmediate() // the tick of the look-up before is over
    await stats.tick()
    const found = stats.stat(path)
    t.equal((await found)?.size, 7n)
    return found instanceof Promise
  }
  t.equal(await isInThread(), true)
  await until(async () => !await isInThread())
  const { now } = Date
  t.teardown(() => { Date.now = now })
  Date.now = () => now() + 3_600_000
  t.equal(await isInThread(), false, 'somebody has set the clock')
})

t.test('a disk is looked at again after a while: another one may be mounted in its place', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'test-disk-'))
  t.teardown(() => {
    execFileSync('umount', ['-l', dir])
    rmdirSync(dir)
  })
  const mount = (type: string) => {
    execFileSync('mount', ['-t', type, type, dir])
    return statSync(dir, { bigint: true }).dev
  }
  const device = mount('tmpfs')
  t.equal(await isLocalDisk(device, dir), true)
  execFileSync('umount', [dir])
  t.equal(mount('ramfs'), device, 'it gets the same id')
  await until(async () => !await isLocalDisk(device, dir))
})
