import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { removeIfUnchanged, walk, type Entry } from '../../src/upkeep/walk.ts'

t.test('a file that is published while its predecessor is to be deleted is kept', async t => {
  const dir = t.testdir({ 'a_low.mp3': 'old' })
  let listed: Entry | undefined
  await walk(dir, entry => { listed = entry; return false })
  writeFileSync(join(dir, 'new'), 'new')
  renameSync(join(dir, 'new'), join(dir, 'a_low.mp3'))
  t.equal(await removeIfUnchanged(dir, listed as Entry), false)
  t.same(readdirSync(dir), ['a_low.mp3'])
  t.equal(readFileSync(join(dir, 'a_low.mp3'), 'utf8'), 'new')
})
