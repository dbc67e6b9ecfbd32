import { once } from 'node:events'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { t, type Test } from 'tap'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { producerConnection } from '../src/connection.ts'
import { FailedSources } from '../src/failed-sources.ts'
import type { TranscodeJob } from '../src/job.ts'
import { TranscodeProducer } from '../src/producer.ts'
import { KEY_PREFIX, QUEUE_NAME } from '../src/queue.ts'

const log = pino({ level: 'silent' })
const job = { path: 'a.flac', quality: 'low', reason: 'miss' } as const

async function setUp (t: Test) {
  const redis = await testRedis(t)
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null })
  connection.on('error', () => {})
  const queue = new Queue(QUEUE_NAME, { connection, prefix: KEY_PREFIX })
  const producerRedis = producerConnection({ url: redis.url }, log)
  const producer = new TranscodeProducer(producerRedis)
  t.teardown(async () => {
    await producer.close()
    producerRedis.disconnect()
    connection.disconnect()
  })
  await Promise.all([connection.ping(), once(producerRedis, 'ready')])
  return { redis, connection, queue, producerRedis, producer }
}

t.test('1000 concurrent calls for one track make one job', async t => {
  const { queue, producer } = await setUp(t)
  const results = await Promise.all(Array.from({ length: 1000 }, () => producer.enqueue(job)))
  t.ok(results.every(({ status }) => status === 'queued'), 'all calls return the status of the one job')
  t.same(await producer.enqueue(job), { status: 'duplicate' })
  t.same(await producer.enqueue({ ...job, reason: 'nightly' }), { status: 'duplicate' })
  t.same(await producer.enqueue({ ...job, quality: 'high' }), { status: 'queued' })
  t.equal(await queue.getJobCountByTypes('prioritized', 'waiting', 'active'), 2)
})

t.test('an invalid job is not enqueued', async t => {
  const { queue, producer } = await setUp(t)
  await t.rejects(producer.enqueue({ ...job, path: '../x.flac' }), { message: /must be the path of an audio file/ })
  t.equal(await queue.getJobCountByTypes('prioritized'), 0)
})

t.test('a source that failed is not enqueued again until it changes', async t => {
  const { connection, producer } = await setUp(t)
  const failedSources = new FailedSources(connection)
  await failedSources.record('a.flac', { version: '1-1', reason: 'no audio' })
  t.same(await producer.enqueue(job, '1-1'), { status: 'failed', reason: 'no audio' })
  t.same(await producer.enqueue(job, '1-2'), { status: 'queued' })
})

t.test('enqueue() rejects at once without Redis, and works again when Redis is back', async t => {
  const { redis, producerRedis, producer } = await setUp(t)
  await redis.stop()
  await t.rejects(producer.enqueue(job))
  const back = new Promise(resolve => producerRedis.once('ready', resolve)) // events.once() would reject for each failed attempt
  await testRedis(t, { port: redis.port })
  await back
  t.same(await producer.enqueue(job), { status: 'queued' })
})

t.test('enqueue() rejects at once when Redis was never reachable', async t => {
  const connection = producerConnection({ url: 'redis://127.0.0.1:1' }, log)
  const producer = new TranscodeProducer(connection)
  await t.rejects(producer.enqueue(job))
  await producer.close()
  connection.disconnect()
})

t.test('a miss runs before all waiting jobs, and promotes a waiting job for the same transcode', async t => {
  const { queue, producer } = await setUp(t)
  const enqueue = (path: string, reason: TranscodeJob['reason']) => producer.enqueue({ path, quality: 'low', reason })
  await enqueue('nightly-1.flac', 'nightly')
  await enqueue('nightly-2.flac', 'nightly')
  await enqueue('mixtape.flac', 'mixtape')
  t.equal(await producer.countWaiting('nightly'), 2)
  t.same(await enqueue('nightly-2.flac', 'miss'), { status: 'duplicate' })
  t.same(await enqueue('mixtape.flac', 'nightly'), { status: 'duplicate' }, 'its priority is not lowered')
  await enqueue('miss.flac', 'miss')
  t.equal(await producer.countWaiting('nightly'), 1)
  const waiting = await queue.getJobs(['prioritized'], 0, -1, true)
  t.same(waiting.map(job => job.data.path), ['nightly-2.flac', 'miss.flac', 'mixtape.flac', 'nightly-1.flac'])
  t.same(await producer.state({ path: 'miss.flac', quality: 'low' }, '1-1'), { state: 'queued' })
  t.equal(await producer.state({ path: 'miss.flac', quality: 'high' }, '1-1'), undefined)
})
