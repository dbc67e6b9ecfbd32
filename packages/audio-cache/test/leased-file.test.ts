import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { t } from 'tap'
import { LEASE_MS, LeasedFile, TOUCH_MS } from '../src/leased-file.ts'

t.test('a file that is abandoned while it is touched stays dead', async t => {
  const dir = t.testdir()
  const abandonAtTouch = async (name: string) => {
    const file = await LeasedFile.create(join(dir, name))
    await setTimeout(TOUCH_MS) // in step with its first touch
    await file.abandon()
    const { ctimeMs, mtimeMs } = statSync(file.path)
    return ctimeMs - mtimeMs > LEASE_MS
  }
  const areDead: Promise<boolean>[] = []
  for (let i = 0; i < 50; i++) {
    areDead.push(abandonAtTouch(`${i}`))
    await setTimeout(5) // one after the other, so that the thread pool has time for each
  }
  t.notOk((await Promise.all(areDead)).includes(false))
})
