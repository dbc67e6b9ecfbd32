import { Redis } from 'ioredis'
import { t } from 'tap'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { HitRates } from '../src/hit-rates.ts'

t.test('hits, misses and saved bytes of all replicas add up', async t => {
  const redis = new Redis((await testRedis(t)).url)
  t.teardown(() => redis.disconnect())
  const hitRates = new HitRates(redis)
  t.same(await hitRates.since(3600_000), { hits: 0, misses: 0, rate: null })
  await hitRates.count({ hits: 3, misses: 0, bytesSaved: 1000 })
  await new HitRates(redis).count({ hits: 0, misses: 1, bytesSaved: 0 })
  t.same(await hitRates.since(3600_000), { hits: 3, misses: 1, rate: 0.75 })
  t.equal(await hitRates.bytesSaved(), 1000)
})
