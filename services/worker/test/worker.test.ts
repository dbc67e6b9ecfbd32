import { readdirSync } from 'node:fs'
import { extname, join } from 'node:path'
import { once } from 'node:events'
import { Queue, QueueEvents } from 'bullmq'
import { pino } from 'pino'
import { t } from 'tap'
import { readConfig } from '@mixtape/config'
import { MAINTENANCE_QUEUE, MaintenanceQueue, MixtapeRegistry } from '@mixtape/mixtapes'
import { KEY_PREFIX, QUEUE_NAME } from '@mixtape/transcode-queue'
import { testFolder } from '../../../test/fixtures/folder.ts'
import { queueFixture } from '../../../test/fixtures/queue.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { until } from '../../../test/fixtures/services.ts'
import { makeTrack } from '../../../test/fixtures/tracks.ts'
import { startWorker } from '../src/worker.ts'

t.test('a job that outlasts the grace time goes back to the queue, and leaves what is made', async t => {
  const dir = testFolder(t, { music: {}, cache: {} })
  const redis = await testRedis(t)
  const connection = { url: redis.url }
  const queue = new Queue(QUEUE_NAME, { connection, prefix: KEY_PREFIX })
  const events = new QueueEvents(QUEUE_NAME, { connection, prefix: KEY_PREFIX })
  t.teardown(async () => { await Promise.all([queue.close(), events.close()]) })
  await events.waitUntilReady()

  makeTrack(join(dir, 'music/long.flac'), { seconds: 900 })
  const config = readConfig({
    MUSIC_ROOT: join(dir, 'music'), AUDIO_CACHE_DIR: join(dir, 'cache'), REDIS_URL: redis.url
  })
  const log = pino({ level: 'silent' })
  const worker = await startWorker(config, log)
  const progress = once(events, 'progress')
  const { id } = await queue.add('high', { path: 'long.flac', quality: 'high', reason: 'nightly' }, { attempts: 1 })
  await progress
  t.match(readdirSync(join(dir, 'cache')).sort(), [/\.(part|segments)$/, /\.(part|segments)$/])

  await worker.close(0)
  t.match(readdirSync(join(dir, 'cache')).map(name => extname(name)).sort(), ['.part', '.segments'])
  t.match(await queue.getJob(id!).then(job => job?.getState()), /waiting|prioritized/)
  t.equal(await queue.getFailedCount(), 0)

  const completed = new Promise<void>(resolve => {
    events.on('completed', ({ jobId }) => { if (jobId === id) resolve() })
  })
  const next = await startWorker(config, log)
  await completed
  t.same(readdirSync(join(dir, 'cache')), ['long_high.mp3'])
  await next.close(1000)
})

t.test('a mixtape is precached while the nightly run waits until fewer jobs wait', async t => {
  const dir = testFolder(t, { music: { 'a.flac': 'there is no worker for it' }, cache: {} })
  const { url } = await testRedis(t)
  const { redis, producer, monitor } = queueFixture(t, url)
  const mixtapes = new MixtapeRegistry(redis)
  const maintenance = new MaintenanceQueue(redis)
  const queue = new Queue(QUEUE_NAME, { connection: { url }, prefix: KEY_PREFIX })
  t.teardown(async () => { await Promise.all([mixtapes.close(), maintenance.close(), queue.close()]) })
  await queue.pause()
  for (let i = 0; i < 1000; i++) await producer.enqueue({ path: `${i}.flac`, quality: 'low', reason: 'nightly' })
  const config = readConfig({ MUSIC_ROOT: join(dir, 'music'), AUDIO_CACHE_DIR: join(dir, 'cache'), REDIS_URL: url })
  const worker = await startWorker(config, pino({ level: 'silent' }))
  const running = new Queue(MAINTENANCE_QUEUE, { connection: { url }, prefix: KEY_PREFIX })
  t.teardown(() => running.close())
  await maintenance.run('nightly')
  await until(async () => (await running.getActive()).some(({ name }) => name === 'nightly'))
  await mixtapes.save({ slug: 'new', tracks: ['a.flac'], origin: 'api' })
  await maintenance.precacheMixtape('new')
  await until(async () => (await monitor.state()).waiting.mixtape.jobs === 3)
  t.ok((await running.getActive()).some(({ name }) => name === 'nightly'), 'it still waits')
  await worker.close(0)
})

t.test('without Redis a worker stops without waiting for the grace time', { timeout: 15_000 }, async t => {
  const dir = testFolder(t, { music: {}, cache: {} })
  const config = readConfig({
    MUSIC_ROOT: join(dir, 'music'), AUDIO_CACHE_DIR: join(dir, 'cache'), REDIS_URL: 'redis://127.0.0.1:1'
  })
  const worker = await startWorker(config, pino({ level: 'silent' }))
  await worker.close(20_000)
  t.pass()
})
