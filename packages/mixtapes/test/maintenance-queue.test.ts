import { once } from 'node:events'
import { Worker, type Job } from 'bullmq'
import { Redis } from 'ioredis'
import { t } from 'tap'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { KEY_PREFIX } from '@mixtape/transcode-queue'
import { MAINTENANCE_QUEUE, MaintenanceQueue } from '../src/index.ts'

t.test('a mixtape that changes while its job runs is precached once more', async t => {
  const { url } = await testRedis(t)
  const redis = new Redis(url, { maxRetriesPerRequest: null })
  const queue = new MaintenanceQueue(redis)
  const slugs: string[] = []
  let continueFirst = () => {}
  const firstMayEnd = new Promise<void>(resolve => { continueFirst = resolve })
  const worker = new Worker(MAINTENANCE_QUEUE, async (job: Job) => {
    slugs.push(job.data.slug)
    await firstMayEnd
  }, { connection: redis, prefix: KEY_PREFIX })
  t.teardown(async () => {
    await worker.close()
    await queue.close()
    redis.disconnect()
  })
  await worker.waitUntilReady()

  const active = once(worker, 'active')
  await queue.precacheMixtape('summer')
  await active
  await queue.precacheMixtape('summer')
  await queue.precacheMixtape('summer')
  const completed = once(worker, 'completed')
  continueFirst()
  await completed
  await once(worker, 'completed')
  t.same(slugs, ['summer', 'summer'], 'however many changes there were')
})
