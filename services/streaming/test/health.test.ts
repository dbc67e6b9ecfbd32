import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t, type Test } from 'tap'
import { WorkerHeartbeats } from '@mixtape/transcode-queue'
import { build } from '../../../test/fixtures/app.ts'
import { http, problemsOf } from '../../../test/fixtures/http.ts'
import { queueFixture } from '../../../test/fixtures/queue.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { startWorker, until } from '../../../test/fixtures/services.ts'
import { LibraryHealth } from '../src/health/library-health.ts'

const HEARTBEAT = { host: 'far', pid: 1, version: '0', concurrency: 2, startedAt: 1, running: [], isDraining: false }

/** Starts the app with a Redis and a worker that has just been heard of. All is well. */
async function healthySite (t: Test, args: string[] = []) {
  const server = await testRedis(t, { args })
  const site = await build(t, { REDIS_URL: server.url })
  const { redis, producer } = queueFixture(t, server.url)
  const heartbeats = new WorkerHeartbeats(redis)
  writeFileSync(join(site.music, 'a.flac'), 'a track')
  await heartbeats.beat({ id: 'far-1', ...HEARTBEAT })
  await until(async () => (await http(site.url, '/health/ready')).json().status === 'ok')
  return { ...site, server, redis, producer, heartbeats, problems: async () => await problemsOf(site.url) }
}

t.test('health says that Redis is out of memory, a read-only replica, or away, and the library is still played', async t => {
  const { url, redis, server, problems } = await healthySite(t)
  const { status, json } = await http(url, '/health')
  t.equal(status, 200)
  t.same(json(), { status: 'ok', problems: [] })

  await redis.config('SET', 'maxmemory', '1mb')
  t.match(await problems(), { redis_out_of_memory: /^Redis is out of memory.* Raise maxmemory.* Originals and cached files are still played/ })
  await redis.config('SET', 'maxmemory', '0')
  t.same(await problems(), {})

  const master = await testRedis(t)
  await redis.replicaof('127.0.0.1', master.port)
  t.match(await problems(), { redis_read_only: /^Redis is a read-only replica\. REDIS_URL must lead to the master/ })
  await redis.replicaof('NO', 'ONE')
  await until(async () => (await problems()).redis_read_only === undefined)

  await server.stop()
  const away = await http(url, '/health/ready')
  t.equal(away.status, 200, 'listeners are still served')
  t.match(away.json(), { status: 'degraded', problems: [{ code: 'redis_unreachable', message: /^Redis does not answer\. Start it/ }] })
  t.match((await http(url, '/admin/overview')).json(), { redis: false, health: { problems: [{ code: 'redis_unreachable' }] } })
  t.equal((await http(url, '/play/a.flac')).status, 200)
})

t.test('health says that Redis cannot save, or that its user lacks permissions', async t => {
  const { redis, server, problems } = await healthySite(t, ['--appendonly', 'no', '--save', '3600 1', '--stop-writes-on-bgsave-error', 'yes'])
  const [, dir = ''] = await redis.config('GET', 'dir') as string[]
  // A folder in the place of the snapshot: it cannot be replaced, whoever runs Redis.
  mkdirSync(join(dir, 'dump.rdb', 'full'), { recursive: true })
  await redis.bgsave()
  await until(async () => /rdb_last_bgsave_status:err/.test(await redis.info('persistence')))
  t.match(await problems(), { redis_cannot_save: /^Redis cannot write its data to the disk.*the disk is full/ })
  rmSync(join(dir, 'dump.rdb'), { recursive: true })
  await redis.bgsave()
  await until(async () => (await problems()).redis_cannot_save === undefined)

  await redis.acl('SETUSER', 'reader', 'on', '>secret', '~*', '&*', '+@read', '+info', '+ping', '+time', '+client')
  const reader = await build(t, { REDIS_URL: server.url.replace('://', '://reader:secret@') })
  await until(async () => (await problemsOf(reader.url)).redis_unreachable === undefined)
  t.match(await problemsOf(reader.url), { redis_no_permission: /^The user of REDIS_URL lacks permissions/ })
})

t.test('health says that no worker is there, and how many jobs wait', async t => {
  const { url, problems, heartbeats, producer } = await healthySite(t)
  await heartbeats.leave('far-1')
  t.same(await problems(), { no_worker: 'No worker is there: nothing is transcoded until one is started.' })
  await producer.enqueue({ path: 'a.flac', quality: 'low', reason: 'miss' })
  t.match(await problems(), { no_worker: /1 job waits\.$/ })
  t.equal((await http(url, '/health/ready')).status, 200)
})

t.test('health says that the clocks of two hosts differ by more than a second', async t => {
  const { url, music, cache, problems, server } = await healthySite(t)
  await startWorker(t, {
    MUSIC_ROOT: music,
    AUDIO_CACHE_DIR: cache,
    REDIS_URL: server.url,
    LD_PRELOAD: '/usr/$LIB/faketime/libfaketime.so.1',
    FAKETIME: '-3s',
    FAKETIME_DONT_FAKE_MONOTONIC: '1'
  })
  await until(async () => (await problems()).clock_skew)
  t.match(await problems(), { clock_skew: /^The clocks of two hosts differ by (2\.[5-9]|3\.0) s: .*Let both follow a time server/ })
  const [skew] = (await http(url, '/admin/overview')).json().health.problems
  t.match(skew, { code: 'clock_skew', names: [/ is ahead$/, / is behind$/] })
})

t.test('health says that the queue only grows, after six looks of which each found more jobs', async t => {
  const { problems, redis, producer } = await healthySite(t)
  /** Adds a job, and makes the last look a minute older, so that the next one counts. */
  const look = async (name: number) => {
    await producer.enqueue({ path: `${name}.flac`, quality: 'low', reason: 'nightly' })
    await redis.del('{mixtape}:queue-looked')
    return await problems()
  }
  for (let i = 1; i < 5; i++) t.same(await look(i), {}, `look ${i}`)
  t.match(await look(5), { queue_grows: /^The queue only grows: from 0 to 5 waiting jobs in some minutes.* Start more workers/ })
  t.match(await problems(), { queue_grows: String }, 'also between two looks')
  t.equal(await redis.llen('{mixtape}:queue-looks'), 6, 'no more are kept')
  await redis.del('{mixtape}:queue-looked')
  t.same(await problems(), {}, 'the last look found as many as the one before')
})

t.test('health says that a part of the library, or all of it, is not mounted', async t => {
  const { url, music, redis } = await healthySite(t)
  for (const name of ['jazz', 'rock', 'pop']) {
    mkdirSync(join(music, name))
    writeFileSync(join(music, name, 'a.flac'), 'a track')
  }
  mkdirSync(join(music, 'empty'))
  const report = async () => (await http(url, '/admin/overview')).json().health
  await until(async () => (await report()) && await redis.scard('{mixtape}:library-folders') === 3)
  renameSync(join(music, 'jazz'), join(music, '../disk'))
  mkdirSync(join(music, 'jazz')) // the empty folder below a disk that is not mounted
  rmSync(join(music, 'rock'), { recursive: true }) // removed by its owner
  renameSync(join(music, 'pop'), join(music, '../other disk'))
  symlinkSync('/nowhere', join(music, 'pop'))
  await until(async () => (await report()).status === 'degraded')
  t.match(await report(), { problems: [{ code: 'library_partly_gone', message: /Mount their disks/, names: ['jazz', 'pop'] }] })
  t.equal((await http(url, '/health')).json().problems[0].names, undefined, 'names are for the admin')
  t.same((await redis.smembers('{mixtape}:library-folders')).sort(), ['jazz', 'pop'])

  t.match(await new LibraryHealth(music, redis).problem(), { code: 'library_partly_gone' }, 'also after a restart')

  rmSync(music, { recursive: true })
  mkdirSync(music)
  await until(async () => (await report()).status === 'unavailable')
  t.match(await http(url, '/health/ready'), { status: 503 })
  t.match(await problemsOf(url), { library_gone: /^MUSIC_ROOT is empty, and was not before: nothing can be played/ })
  rmSync(music, { recursive: true })
  await until(async () => (await problemsOf(url)).library_unreadable)
  t.match(await http(url, '/health/ready'), { status: 503 })
})

t.test('an empty library and a cache that cannot be written degrade health only', async t => {
  const { url, cache, music } = await build(t)
  t.same((await http(url, '/health/live')).json(), { status: 'ok' })
  rmSync(cache, { recursive: true })
  writeFileSync(cache, 'a file in its place')
  t.match(await problemsOf(url), { library_empty: /^MUSIC_ROOT is empty/, cache_unwritable: /^AUDIO_CACHE_DIR cannot be written/, redis_unreachable: String })
  t.match(await http(url, '/health/ready'), { status: 200 })
  writeFileSync(join(music, 'a.flac'), 'x')
  t.equal((await http(url, '/play/a.flac?quality=low')).status, 200)
})
