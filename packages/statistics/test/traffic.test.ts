import { Redis } from 'ioredis'
import { t } from 'tap'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { hitRate, spans, sumOf, Traffic } from '../src/traffic.ts'

const nothingSent = { original: 0, high: 0, medium: 0, low: 0 }

t.test('the traffic of all replicas adds up in every time span, and its keys expire', async t => {
  const redis = new Redis((await testRedis(t)).url)
  t.teardown(() => redis.disconnect())
  const traffic = new Traffic(redis)
  t.equal(hitRate(sumOf(await traffic.series('hour'))), null)
  await traffic.count({ hits: 3, misses: 0, bytesSaved: 1000, bytesSent: { ...nothingSent, low: 500 } })
  await new Traffic(redis).count({ hits: 0, misses: 1, bytesSaved: 0, bytesSent: { ...nothingSent, original: 2000 } })
  for (const span of ['hour', 'day', 'month'] as const) {
    const series = await traffic.series(span)
    t.equal(series.length, spans[span].buckets)
    t.same(sumOf(series), { hits: 3, misses: 1, bytesSaved: 1000, bytesSent: { ...nothingSent, original: 2000, low: 500 } })
    t.equal(hitRate(sumOf(series)), 0.75)
    t.ok((series.at(-1)?.time ?? 0) <= Date.now())
  }
  t.equal(await traffic.bytesSaved(), 1000)
  const keys = await redis.keys('{mixtape}:traffic:*')
  t.ok(keys.length >= 3)
  for (const key of keys) t.ok(await redis.ttl(key) > 0, key)
})
