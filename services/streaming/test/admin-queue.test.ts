import { once } from 'node:events'
import { Queue, UnrecoverableError, Worker } from 'bullmq'
import { t } from 'tap'
import { KEY_PREFIX, QUEUE_NAME, workerOptions } from '@mixtape/transcode-queue'
import { build } from '../../../test/fixtures/app.ts'
import { http } from '../../../test/fixtures/http.ts'
import { queueFixture } from '../../../test/fixtures/queue.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { until } from '../../../test/fixtures/services.ts'

t.test('the queue is shown, paused and resumed', async t => {
  const redis = await testRedis(t)
  const { producer } = queueFixture(t, redis.url)
  const { url } = await build(t, { REDIS_URL: redis.url })
  await until(async () => (await http(url, '/admin/queue')).status === 200)
  await producer.enqueue({ path: 'a.flac', quality: 'low', reason: 'miss' })
  t.same((await http(url, '/admin/queue/pause', { method: 'POST' })).json(), { paused: true })
  t.match((await http(url, '/admin/queue')).json(), {
    paused: true,
    waiting: { miss: { jobs: 1, next_since: /Z$/ }, nightly: { jobs: 0, next_since: null } },
    delayed: 0,
    failed: 0,
    running: []
  })
  const started = new Promise<void>(resolve => {
    const worker = new Worker(QUEUE_NAME, async job => {
      resolve()
      await new Promise(() => {})
    }, { ...workerOptions, connection: { url: redis.url }, name: 'worker-1' })
    t.teardown(() => worker.close(true))
  })
  t.same((await http(url, '/admin/queue/resume', { method: 'POST' })).json(), { paused: false })
  await started
  t.match((await http(url, '/admin/queue')).json(), {
    paused: false,
    running: [{ path: 'a.flac', quality: 'low', reason: 'miss', percent: 0, started_at: /Z$/, attempt: 1, worker: 'worker-1' }]
  })
  t.same((await http(url, '/admin/workers')).json(), { workers: [] })
})

t.test('failures are shown, retried and dismissed, one track or all', async t => {
  const redis = await testRedis(t)
  const { producer } = queueFixture(t, redis.url)
  const { url } = await build(t, { REDIS_URL: redis.url })
  await until(async () => (await http(url, '/admin/queue')).status === 200)
  const worker = new Worker(QUEUE_NAME, async () => { throw new UnrecoverableError('Invalid data found') }, {
    ...workerOptions, connection: { url: redis.url }
  })
  t.teardown(() => worker.close(true))
  for (const path of ['a.flac', 'b.flac', 'c.flac']) {
    const failed = once(worker, 'failed')
    await producer.enqueue({ path, quality: 'low', reason: 'miss' })
    await failed
  }
  const queue = new Queue(QUEUE_NAME, { connection: { url: redis.url }, prefix: KEY_PREFIX })
  t.teardown(() => queue.close())
  const invalid = [null, {}, { path: 7, quality: 'low', reason: 'miss' }]
  for (const data of invalid) {
    const failed = once(worker, 'failed')
    await queue.add('low', data)
    await failed
  }
  await worker.close()
  const post = async (action: string) => await http(url, `/admin/failed/${action}`, { method: 'POST' })
  t.match((await http(url, '/admin/failed')).json(), {
    jobs: [
      { path: 'c.flac', quality: 'low', reason: 'miss', error: 'Invalid data found', failed_at: /Z$/, attempts: 1 }, {}, {}
    ],
    sources: []
  })
  t.same((await post('dismiss?path=a.flac')).json(), { dismissed: 1, message: 'Dismissed the failures of 1 track' })
  t.match((await post('retry?path=a.flac')).json(), { statusCode: 404, message: 'No failure of this track is known: a.flac' })
  t.match((await post('dismiss?path=a.flac')).json(), { statusCode: 404 })
  t.match((await post('retry?path=')).json(), { statusCode: 400, message: 'path must be a track, relative to the library' })
  t.match((await post('retry?track=b.flac')).json(), { statusCode: 400, message: 'There is no track: only path' })
  t.same((await post('retry?path=b.flac')).json(), { retried: 1, message: 'Enqueued 1 job of 1 track' })
  t.same((await post('retry')).json(), { retried: 1, message: 'Enqueued 1 job of 1 track' })
  t.match((await http(url, '/admin/failed')).json(), { jobs: [], sources: [] })
  t.match((await http(url, '/admin/queue')).json(), { waiting: { miss: { jobs: 2 } } })
  t.match(await producer.enqueue({ path: 'b.flac', quality: 'low', reason: 'miss' }), { status: 'duplicate' })
  t.equal(await queue.getFailedCount(), invalid.length, 'jobs that another program enqueued are not listed')
  t.same((await post('dismiss')).json(), { dismissed: 0, message: 'Dismissed the failures of 0 tracks' })
  t.equal(await queue.getFailedCount(), 0)
})

t.test('without Redis these routes get 503 at once, and without the token 401', async t => {
  const { url } = await build(t)
  const routes = [
    ['GET', '/admin/queue'], ['POST', '/admin/queue/pause'], ['POST', '/admin/queue/resume'], ['GET', '/admin/workers'],
    ['GET', '/admin/failed'], ['POST', '/admin/failed/retry'], ['POST', '/admin/failed/dismiss']
  ] as const
  for (const [method, path] of routes) t.match(await http(url, path, { method }), { status: 503, headers: { 'retry-after': /\d/ } }, path)
  const guarded = await build(t, { ADMIN_TOKEN: 'secret' })
  for (const [method, path] of [...routes, ['GET', '/admin/tracks/a.flac']] as const) {
    t.equal((await http(guarded.url, path, { method })).status, 401, path)
  }
})
