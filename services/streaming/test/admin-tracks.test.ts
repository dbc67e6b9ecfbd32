import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DelayedError, Worker } from 'bullmq'
import { t } from 'tap'
import { CacheUsage } from '@mixtape/statistics'
import { QUEUE_NAME, workerOptions } from '@mixtape/transcode-queue'
import { build } from '../../../test/fixtures/app.ts'
import { http } from '../../../test/fixtures/http.ts'
import { queueFixture } from '../../../test/fixtures/queue.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { until } from '../../../test/fixtures/services.ts'

t.test('why: each state of a track without jobs has its reason and what is served', async t => {
  const redis = await testRedis(t)
  const { sources } = queueFixture(t, redis.url)
  const { url, music, cache } = await build(t, { REDIS_URL: redis.url, AUDIO_CACHE_MAX_AGE_DAYS: '30' })
  await until(async () => (await http(url, '/admin/queue')).status === 200)
  const why = async (path: string) => (await http(url, `/admin/tracks/${encodeURIComponent(path)}`)).json()
  for (const name of ['a.flac', 'b.mp3', '100%, ü?.flac']) writeFileSync(join(music, name), name)
  t.match(await why('a.flac'), {
    path: 'a.flac',
    source: { size_bytes: 6, modified: /Z$/, version: /^6-\d+$/ },
    mixtapes: [],
    redis: true,
    qualities: {
      low: {
        state: 'absent',
        why: 'It is not made, and not enqueued; no worker was heard of.',
        served: 'The original; the play enqueues the MP3',
        cached: null,
        job: null
      }
    }
  })
  t.match(await why('100%, ü?.flac'), { path: '100%, ü?.flac', qualities: { low: { state: 'absent' } } })
  t.match((await why('b.mp3')).qualities.low, { state: 'not_transcodable', why: /^\.mp3 files are served unchanged/ })
  writeFileSync(join(cache, 'gone_low.mp3'), 'of another tool')
  t.match(await why('gone.flac'), {
    source: null, qualities: { low: { state: 'missing', why: /^The library has no such track\.$/, served: 'Nothing: 404' } }
  })
  const refused = await http(url, '/admin/tracks/notes.txt')
  t.match([refused.status, refused.json().message], [400, /^The path must be that of an audio file/])

  writeFileSync(join(cache, 'a_low.mp3'), 'x')
  t.match((await why('a.flac')).qualities.low, {
    state: 'cached',
    served: 'The cached MP3',
    cached: {
      path: 'a_low.mp3', size_bytes: 1, cached_at: /Z$/, made_from: null, last_played: null, eviction: /and never played\. The first nightly run/
    }
  })
  await http(url, '/mixtapes/summer', { method: 'PUT', body: { tracks: [{ path: 'a.flac' }] } })
  await http(url, '/play/a.flac?quality=low')
  await http(url, '/admin/cache/stats') // writes the plays to Redis
  t.match(await why('a.flac'), {
    mixtapes: ['summer'],
    qualities: { low: { cached: { last_played: /Z$/, eviction: /^It stays until .* because it was played.*It is of a mixtape/ } } }
  })
  await sources.record('a.flac', { version: (await why('a.flac')).source.version, reason: 'no audio' })
  t.match((await why('a.flac')).qualities.high, { state: 'waiting' }, 'the mixtape has enqueued it')
})

t.test('why: a job has its lane and place, its percent, its next attempt and its failure', async t => {
  const redis = await testRedis(t)
  const { redis: connection, producer, monitor, failures, sources } = queueFixture(t, redis.url)
  const usage = new CacheUsage(connection)
  const { url, music } = await build(t, { REDIS_URL: redis.url })
  await until(async () => (await http(url, '/admin/queue')).status === 200)
  for (const name of ['a.flac', 'b.flac']) writeFileSync(join(music, name), name)
  const low = async () => (await http(url, '/admin/tracks/a.flac')).json().qualities.low
  await producer.enqueue({ path: 'b.flac', quality: 'low', reason: 'mixtape' })
  await producer.enqueue({ path: 'a.flac', quality: 'low', reason: 'nightly' })
  await monitor.pause()
  t.match(await low(), {
    state: 'waiting',
    why: 'Its job waits among those of the nightly run, at place 2 of the queue; the queue is paused.',
    job: { state: 'waiting', lane: 'nightly', place: 2, since: /Z$/, percent: null }
  })

  let act = async () => {}
  let taken = () => {}
  const worker = new Worker(QUEUE_NAME, async (job, token) => {
    if (job.data.path === 'b.flac') return ''
    await job.updateProgress(40)
    await new Promise<void>(resolve => {
      act = async () => {
        await job.moveToDelayed(Date.now() + 60_000, token)
        resolve()
      }
      taken()
    })
    throw new DelayedError()
  }, { ...workerOptions, connection: { url: redis.url }, name: 'worker-1' })
  t.teardown(() => worker.close(true))
  const running = new Promise<void>(resolve => { taken = resolve })
  await monitor.resume()
  await running
  t.match(await low(), { state: 'running', why: /40 % are done, in attempt 1/, job: { percent: 40, worker: 'worker-1' } })
  await usage.markFull('The cache is full')
  await act()
  t.match(await low(), { state: 'no_room', why: /^There is no room: The cache is full\. The next attempt is at/, served: 'The original' })
  await usage.unmarkFull()
  t.match(await low(), { state: 'delayed', job: { next_attempt: /Z$/ } })

  const { version } = (await http(url, '/admin/tracks/b.flac')).json().source
  await sources.record('b.flac', { version, reason: 'Invalid data found' })
  t.match((await http(url, '/admin/tracks/b.flac')).json().qualities.low, {
    state: 'failed', why: /^The source cannot be transcoded since .*Z: Invalid data found\. /, served: 'The original'
  })
  t.match(await failures.source('b.flac'), { since: Number })
})

t.test('why: without Redis the files are still explained; disabled caching is a reason', async t => {
  const { url, music } = await build(t)
  writeFileSync(join(music, 'a.flac'), 'x')
  t.match((await http(url, '/admin/tracks/a.flac')).json(), { redis: false, qualities: { low: { state: 'unknown', served: 'The original' } } })
  const disabled = await build(t, { AUDIO_CACHE_ENABLED: 'false' })
  writeFileSync(join(disabled.music, 'a.flac'), 'x')
  t.match((await http(disabled.url, '/admin/tracks/a.flac')).json(), { qualities: { low: { state: 'disabled' } } })
})
