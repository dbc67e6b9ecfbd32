import { once } from 'node:events'
import { DelayedError, UnrecoverableError, Worker } from 'bullmq'
import { t, type Test } from 'tap'
import { queueFixture } from '../../../test/fixtures/queue.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { QUEUE_NAME, workerOptions } from '../src/queue.ts'

const setUp = async (t: Test) => queueFixture(t, (await testRedis(t)).url)

t.test('the state of the queue has its jobs by lane, and a job has its lane and place', async t => {
  const { producer, monitor } = await setUp(t)
  await producer.enqueue({ path: 'a.flac', quality: 'low', reason: 'nightly' })
  await producer.enqueue({ path: 'b.flac', quality: 'low', reason: 'nightly' })
  await producer.enqueue({ path: 'c.flac', quality: 'low', reason: 'miss' })
  t.match(await monitor.state(), {
    isPaused: false,
    waiting: {
      miss: { jobs: 1, nextSince: Number }, mixtape: { jobs: 0, nextSince: undefined }, nightly: { jobs: 2, nextSince: Number }
    },
    delayed: 0,
    running: 0,
    failed: 0
  })
  t.match(await monitor.job({ path: 'b.flac', quality: 'low' }), { state: 'waiting', lane: 'nightly', place: 3, since: Number })
  await producer.enqueue({ path: 'b.flac', quality: 'low', reason: 'mixtape' })
  t.match(await monitor.job({ path: 'b.flac', quality: 'low' }), { state: 'waiting', lane: 'mixtape', place: 2 })
  t.equal(await monitor.job({ path: 'b.flac', quality: 'high' }), undefined)
})

t.test('a paused queue hands out no job; a running job has its progress and its worker, a delayed one its next attempt', async t => {
  const { redis, producer, monitor } = await setUp(t)
  await monitor.pause()
  t.match(await monitor.state(), { isPaused: true })
  let finish = () => {}
  const started = new Promise<void>(resolve => {
    const worker = new Worker(QUEUE_NAME, async (job, token) => {
      await job.updateProgress(40)
      resolve()
      await new Promise<void>(resolve => { finish = resolve })
      await job.moveToDelayed(Date.now() + 60_000, token)
      throw new DelayedError()
    }, { ...workerOptions, connection: redis, name: 'worker-1' })
    worker.on('error', () => {})
    t.teardown(() => worker.close(true))
  })
  await producer.enqueue({ path: 'a.flac', quality: 'low', reason: 'miss' })
  t.match(await monitor.job({ path: 'a.flac', quality: 'low' }), { state: 'waiting' })
  await monitor.resume()
  await started
  const running = { percent: 40, startedAt: Number, attempt: 1, worker: 'worker-1' }
  t.match(await monitor.job({ path: 'a.flac', quality: 'low' }), { state: 'running', lane: 'miss', ...running })
  t.match(await monitor.running(), [{ path: 'a.flac', quality: 'low', reason: 'miss', ...running }])
  finish()
  while ((await monitor.state()).delayed === 0);
  const delayed = await monitor.job({ path: 'a.flac', quality: 'low' })
  t.match(delayed, { state: 'delayed', attemptsMade: 0, nextAttemptAt: Number })
  const inMs = delayed?.state === 'delayed' ? delayed.nextAttemptAt - Date.now() : 0
  t.ok(inMs > 50_000 && inMs <= 60_000, `${inMs}`)
})

t.test('failures are listed with their words, dismissed without being forgotten, and retried as new jobs', async t => {
  const { redis, producer, monitor, failures, sources } = await setUp(t)
  const worker = new Worker(QUEUE_NAME, async job => {
    if (job.data.path !== 'gone.flac') await sources.record(job.data.path, { version: '1-1', reason: 'Invalid data found' })
    throw new UnrecoverableError(job.data.path === 'gone.flac' ? 'The source is gone' : 'Invalid data found')
  }, { ...workerOptions, connection: redis })
  worker.on('error', () => {})
  for (const path of ['a.flac', 'b.flac', 'gone.flac']) {
    const failed = once(worker, 'failed')
    await producer.enqueue({ path, quality: 'low', reason: 'miss' })
    await failed
  }
  await worker.close()
  await sources.record('old.flac', { version: '1-1', reason: 'too long ago' }) // its job is not kept any more

  t.match(await failures.jobs(), { length: 3 })
  t.match(await failures.jobs({ path: 'a.flac' }), [
    { path: 'a.flac', quality: 'low', reason: 'miss', error: 'Invalid data found', failedAt: Number, attempts: 1 }
  ])
  t.match((await failures.sources()).map(({ path }) => path).sort(), ['a.flac', 'b.flac', 'old.flac'])

  t.equal(await failures.dismiss('b.flac'), 1)
  t.equal(await failures.dismiss('never-failed.flac'), 0)
  t.match((await failures.sources()).map(({ path }) => path).sort(), ['a.flac', 'old.flac'])
  t.match((await failures.sources({ withDismissed: true })).map(({ path }) => path).sort(), ['a.flac', 'b.flac', 'old.flac'])
  t.same(await failures.jobs({ path: 'b.flac' }), [])
  t.match(await producer.enqueue({ path: 'b.flac', quality: 'low', reason: 'miss' }, '1-1'), { status: 'failed' })

  t.same(await failures.retry(undefined, ['high', 'low']), { jobs: 4, tracks: 3 })
  t.same([await failures.jobs(), await failures.sources()], [[], []])
  t.match(await monitor.state(), { waiting: { miss: { jobs: 2 }, mixtape: { jobs: 2 } }, failed: 0 })
  t.same(await producer.enqueue({ path: 'a.flac', quality: 'low', reason: 'miss' }), { status: 'duplicate' })
  t.same(await failures.retry('b.flac', ['low']), { jobs: 1, tracks: 1 }, 'a dismissed failure can be retried')
})
