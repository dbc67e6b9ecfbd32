import { Redis } from 'ioredis'
import { t } from 'tap'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { WorkerHeartbeats, type KnownWorker } from '../src/worker-heartbeats.ts'

t.test('a worker is listed until it leaves, and for a minute after it died', async t => {
  const redis = new Redis((await testRedis(t)).url)
  t.teardown(() => redis.disconnect())
  const heartbeats = new WorkerHeartbeats(redis)
  t.same(await heartbeats.all(), [])
  const heartbeat = { host: 'h', pid: 1, version: '0', concurrency: 2, startedAt: 1, running: [{ path: 'a.flac', quality: 'low' }], isDraining: false }
  await heartbeats.beat({ id: 'a', ...heartbeat })
  await heartbeats.beat({ id: 'b', ...heartbeat, startedAt: 2 })
  t.match(await heartbeats.all(), [{ id: 'a', ...heartbeat, isAlive: true, lastHeardOf: Number }, { id: 'b' }])
  t.equal(await heartbeats.setDraining('b', true), true)
  t.equal(await heartbeats.beat({ id: 'b', ...heartbeat }), true)
  t.equal(await heartbeats.beat({ id: 'a', ...heartbeat }), false)
  await heartbeats.setDraining('b', false)
  t.equal(await heartbeats.beat({ id: 'b', ...heartbeat }), false)
  t.equal(await heartbeats.setDraining('gone', true), false)
  await heartbeats.leave('b')

  const ageBy = async (ms: number) => {
    const worker = JSON.parse(await redis.hget('{mixtape}:workers', 'a') ?? '') as KnownWorker
    await redis.hset('{mixtape}:workers', 'a', JSON.stringify({ ...worker, lastHeardOf: worker.lastHeardOf - ms }))
  }
  await ageBy(20_000)
  t.match(await heartbeats.all(), [{ id: 'a', isAlive: false }])
  await ageBy(50_000)
  t.same(await heartbeats.all(), [])
  t.equal(await redis.hlen('{mixtape}:workers'), 0)
})
