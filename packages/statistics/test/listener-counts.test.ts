import { Redis } from 'ioredis'
import { t } from 'tap'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { ListenerCounts } from '../src/listener-counts.ts'

t.test('the listeners of all replicas add up', async t => {
  const redis = new Redis((await testRedis(t)).url)
  t.teardown(() => redis.disconnect())
  const counts = new ListenerCounts(redis)
  t.same(await counts.total(), { original: 0, high: 0, medium: 0, low: 0 })
  await counts.report('a', { original: 1, high: 0, medium: 0, low: 2 })
  await counts.report('b', { original: 0, high: 0, medium: 0, low: 1 })
  t.same(await counts.total(), { original: 1, high: 0, medium: 0, low: 3 })
  await counts.report('a', { original: 0, high: 0, medium: 0, low: 0 })
  t.same(await counts.total(), { original: 0, high: 0, medium: 0, low: 1 })
})
