import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { t } from 'tap'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { migrateKeys, TranscodeProducer } from '../src/index.ts'

t.test('keys of version 0.7 are renamed, also by two at once, and merged with those that are there already', async t => {
  const redis = new Redis((await testRedis(t)).url)
  const old = new Queue('transcode', { connection: redis, prefix: 'mixtape' })
  const producer = new TranscodeProducer(redis)
  t.teardown(async () => {
    await Promise.all([old.close(), producer.close()])
    redis.disconnect()
  })
  const add = (path: string) => old.add('transcode', { path, quality: 'low', reason: 'miss' }, { priority: 1, jobId: `${path}-1` })
  await Promise.all([add('a.flac'), add('b.flac'), old.waitUntilReady()])
  await redis.hset('mixtape:mixtapes', { summer: 'old', winter: 'old' })
  await redis.hset('{mixtape}:mixtapes', { summer: 'new' })
  await redis.zadd('mixtape:plays', 2, 'a.flac', 1, 'b.flac')
  await redis.zadd('{mixtape}:plays', 3, 'a.flac')
  await redis.set('mixtape:bytes-saved', 5)
  await redis.set('{mixtape}:bytes-saved', 2)
  await redis.set('mixtape:cache:bytes', 100)
  await redis.set('{mixtape}:cache:bytes', 200)
  await redis.hset('mixtape:requests:7', { hit: 3 })
  await redis.set('other:key', 'x')

  await Promise.all([migrateKeys(redis), migrateKeys(redis)])

  t.same((await redis.keys('mixtape:*')), [])
  t.same(await redis.hgetall('{mixtape}:mixtapes'), { summer: 'new', winter: 'old' })
  t.same(await redis.zrange('{mixtape}:plays', '0', '-1', 'WITHSCORES'), ['b.flac', '1', 'a.flac', '5'])
  t.equal(await redis.get('{mixtape}:bytes-saved'), '7')
  t.equal(await redis.get('{mixtape}:cache:bytes'), '200')
  t.same(await redis.hgetall('{mixtape}:requests:7'), { hit: '3' })
  t.equal(await redis.get('other:key'), 'x')
  t.equal(await producer.countWaiting('miss'), 2)
  t.equal(await migrateKeys(redis), 0)
})
