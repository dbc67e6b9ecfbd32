import { Redis } from 'ioredis'
import { t, type Test } from 'tap'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { CacheUsage } from '../src/cache-usage.ts'

const none = { files: 0, bytes: 0 }
const low = (files: number, bytes: number) => ({ high: none, medium: none, low: { files, bytes }, cover: none })

async function setUp (t: Test): Promise<CacheUsage> {
  const redis = new Redis((await testRedis(t)).url)
  t.teardown(() => redis.disconnect())
  return new CacheUsage(redis)
}

t.test('the size of the cache is unknown until it is counted, and follows what is published and deleted', async t => {
  const usage = await setUp(t)
  await usage.addFiles('low', 1, 100)
  t.equal(await usage.get(), undefined)
  t.equal(await usage.levels(), undefined)
  t.equal(await usage.reserve('a', 1, 1000), undefined)
  await usage.correct(async () => ({ byKind: { ...low(2, 900), cover: { files: 1, bytes: 100 } }, parts: [] }))
  t.equal(await usage.get(), 1000)
  await usage.publish('a', 'high', 1, 256)
  await usage.subtract(low(1, 400))
  t.equal(await usage.get(), 856)
  t.same(await usage.levels(), {
    high: { files: 1, bytes: 256 }, medium: none, low: { files: 1, bytes: 500 }, cover: { files: 1, bytes: 100 }
  })
})

t.test('reservations count until they are published, released, or of a worker that died', async t => {
  const usage = await setUp(t)
  await usage.correct(async () => ({ byKind: low(1, 500), parts: [] }))
  t.equal(await usage.reserve('a', 300, 1000), true)
  t.equal(await usage.reserve('b', 201, 1000), false)
  t.equal(await usage.reserve('b', 200, 1000), true)
  t.equal(await usage.get(), 1000)
  await usage.publish('a', 'low', 1, 300)
  t.equal(await usage.get(), 1000)
  await usage.correct(async () => {
    await usage.publish('c', 'low', 1, 50)
    await usage.reserve('d', 70, Infinity)
    return { byKind: low(2, 800), parts: ['b'] }
  })
  t.equal(await usage.get(), 800 + 200 + 50 + 70, 'what was added during the walk counts')
  await usage.correct(async () => ({ byKind: low(2, 800), parts: ['d'] }))
  t.equal(await usage.get(), 870, 'b has no part any more')
  await usage.release('d')
  t.equal(await usage.get(), 800)
})

t.test('reasons are kept: of removals for ever, and of a full cache for a while', async t => {
  const usage = await setUp(t)
  await usage.countRemoved('size', 2)
  await usage.countRemoved('age', 0)
  t.same(await usage.removed(), { size: 2, free: 0, age: 0, orphan: 0 })
  await usage.markFull('the disk is full')
  t.equal(await usage.fullReason(), 'the disk is full')
  await usage.unmarkFull()
  t.equal(await usage.fullReason(), undefined)
})
