import { Redis } from 'ioredis'
import { t } from 'tap'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { CacheUsage } from '../src/cache-usage.ts'

t.test('the size of the cache is unknown until set() is called', async t => {
  const redis = new Redis((await testRedis(t)).url)
  t.teardown(() => redis.disconnect())
  const usage = new CacheUsage(redis)
  await usage.add(100)
  await usage.addFiles('low', 1, 100)
  t.equal(await usage.get(), undefined)
  t.equal(await usage.levels(), undefined)
  const none = { files: 0, bytes: 0 }
  await usage.set({ high: none, medium: none, low: { files: 2, bytes: 900 }, cover: { files: 1, bytes: 100 } })
  await usage.add(-300)
  t.equal(await usage.get(), 700)

  await usage.addFiles('high', 1, 256)
  await usage.subtract({ high: none, medium: none, low: { files: 1, bytes: 400 }, cover: none })
  t.equal(await usage.get(), 300)
  t.same(await usage.levels(), {
    high: { files: 1, bytes: 256 }, medium: none, low: { files: 1, bytes: 500 }, cover: { files: 1, bytes: 100 }
  })

  await usage.countRemoved('size', 2)
  await usage.countRemoved('age', 0)
  t.same(await usage.removed(), { size: 2, free: 0, age: 0, orphan: 0 })

  await usage.markFull('the disk is full')
  t.equal(await usage.fullReason(), 'the disk is full')
  await usage.unmarkFull()
  t.equal(await usage.fullReason(), undefined)
})
