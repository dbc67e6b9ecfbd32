import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { t } from 'tap'
import { MaintenanceQueue, MixtapeRegistry } from '@mixtape/mixtapes'
import { testFolder } from '../../../test/fixtures/folder.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { until } from '../../../test/fixtures/services.ts'
import { watchMixtapesFolder } from '../src/mixtapes-folder.ts'

t.test('mixtapes of any file name can be addressed, and stay while their folder is not mounted', async t => {
  const dir = testFolder(t, { mixtapes: {} })
  const folder = join(dir, 'mixtapes')
  const redis = new Redis((await testRedis(t)).url)
  const mixtapes = new MixtapeRegistry(redis)
  const maintenance = new MaintenanceQueue(redis)
  t.teardown(async () => {
    await Promise.all([mixtapes.close(), maintenance.close()])
    redis.disconnect()
  })
  const lines: string[] = []
  const log = pino({}, { write: (line: string) => { lines.push(line) } })
  const watch = async () => await watchMixtapesFolder(folder, { mixtapes, maintenance, log })
  const isLogged = (text: string) => lines.some(line => line.includes(text))

  writeFileSync(join(folder, 'My tape – é.json'), JSON.stringify({ title: 'My tape', tracks: [{ path: 'a.flac' }, { artist: 'nobody' }] }))
  const stop = await watch()
  const slug = 'My~20tape~20~e2~80~93~20~c3~a9'
  await until(async () => await mixtapes.get(slug))
  t.same((await mixtapes.get(slug))?.tracks, ['a.flac'])
  await stop()

  rmSync(folder, { recursive: true })
  const stopAgain = await watch()
  await until(() => isLogged('MIXTAPES_DIR is empty or not mounted'))
  await stopAgain()
  mkdirSync(folder)
  const stopLast = await watch()
  await until(() => lines.filter(line => line.includes('MIXTAPES_DIR is empty')).length === 2)
  await stopLast()
  t.ok(await mixtapes.get(slug))
  t.notOk(isLogged('Mixtape gone'))
})
