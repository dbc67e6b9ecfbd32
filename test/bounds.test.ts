import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { t, type Test } from 'tap'
import { MaintenanceQueue } from '@mixtape/mixtapes'
import { namesIn, partsIn } from './fixtures/cache-folder.ts'
import { smallDisk } from './fixtures/disk.ts'
import { testFolder } from './fixtures/folder.ts'
import { http } from './fixtures/http.ts'
import { testRedis } from './fixtures/redis.ts'
import { startStreaming, startWorker } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

async function setUp (t: Test) {
  const dir = testFolder(t, { music: {}, cache: {} })
  const redis = await testRedis(t)
  const env = {
    MUSIC_ROOT: join(dir, 'music'), AUDIO_CACHE_DIR: join(dir, 'cache'), REDIS_URL: redis.url, AUDIO_CACHE_MIN_FREE: '1B'
  }
  const stats = async (url: string) => (await http(url, '/admin/cache/stats')).json()
  /** Plays a track. @returns Cache-Status */
  const cacheStatus = async (url: string, name: string, quality = 'low') =>
    (await http(url, `/play/${name}?quality=${quality}`)).headers['cache-status']
  return { music: env.MUSIC_ROOT, cache: env.AUDIO_CACHE_DIR, redis, env, stats, cacheStatus }
}

t.test('the cache stays below its limit, keeps a file that is played, and reports evictions and hits', async t => {
  const { music, cache, env, stats, cacheStatus } = await setUp(t)
  const limitedEnv = { ...env, AUDIO_CACHE_MAX_SIZE: '300kB' }
  const [{ url }, worker] = await Promise.all([
    startStreaming(t, limitedEnv), startWorker(t, { ...limitedEnv, WORKER_CONCURRENCY: '1' })
  ])
  const source = makeTrack(join(music, '0.flac'), { seconds: 5 }) // 81 kB at low
  for (let i = 1; i < 8; i++) copyFileSync(source, join(music, `${i}.flac`))
  for (let i = 0; i < 8; i++) {
    await cacheStatus(url, `${i}.flac`)
    await worker.logged(new RegExp(`Cached: ${i}.flac`))
    const size = namesIn(cache).reduce((sum, name) => sum + statSync(join(cache, name)).size, 0)
    t.ok(size <= 300_000, `${size} bytes`)
    t.equal(await cacheStatus(url, '0.flac'), 'mixtape; hit', 'a file that is played is not evicted')
  }
  const report = await stats(url)
  t.match(report, {
    max_size_bytes: 300_000,
    evicted: { size: 5, free: 0, age: 0, orphan: 0 },
    hit_rate: { last_hour: { hits: 8, misses: 8, rate: 0.5 }, last_day: { hits: 8, misses: 8 } }
  })
  t.equal(report.bytes_saved, 8 * (statSync(source).size - statSync(join(cache, '0_low.mp3')).size))
})

t.test('a job without space waits, health is degraded, and the job runs when a file may be evicted', async t => {
  const { music, env, cacheStatus } = await setUp(t)
  const limitedEnv = { ...env, AUDIO_CACHE_MAX_SIZE: '100kB', AUDIO_CACHE_PROTECT: '5' }
  const [{ url }, worker] = await Promise.all([startStreaming(t, limitedEnv), startWorker(t, limitedEnv)])
  copyFileSync(makeTrack(join(music, 'a.flac'), { seconds: 5 }), join(music, 'b.flac'))
  await cacheStatus(url, 'a.flac')
  await worker.logged(/Cached: a.flac/)
  t.equal(await cacheStatus(url, 'a.flac'), 'mixtape; hit')
  t.equal(await cacheStatus(url, 'b.flac'), 'mixtape; fwd=miss; detail=absent')
  await worker.logged(/The cache is full: .*: the job waits/)
  t.match((await http(url, '/health/ready')).json(), { status: 'degraded', problems: [{ code: 'cache_full', message: /^The cache is full.*Jobs wait for space/ }] })
  t.equal((await http(url, '/play/b.flac?quality=low')).status, 200, 'the original is served')
  await worker.logged(/Cached: b.flac/)
  t.equal(await cacheStatus(url, 'b.flac'), 'mixtape; hit')
  t.match((await http(url, '/health/ready')).json(), { status: 'ok' })
})

t.test('a disk that is full during a write leaves no part, and the job runs when there is space again', async t => {
  const { music, env, cacheStatus } = await setUp(t)
  const disk = smallDisk(t, '8m')
  const diskEnv = { ...env, AUDIO_CACHE_DIR: join(disk, 'cache') }
  mkdirSync(diskEnv.AUDIO_CACHE_DIR)
  const [{ url }, worker] = await Promise.all([startStreaming(t, diskEnv), startWorker(t, diskEnv)])
  makeTrack(join(music, 'long.flac'), { seconds: 150 }) // 4.8 MB at high
  await cacheStatus(url, 'long.flac', 'high')
  while (!partsIn(diskEnv.AUDIO_CACHE_DIR).length) await setTimeout(1)
  try {
    writeFileSync(join(disk, 'filler'), Buffer.alloc(8 * 1024 * 1024))
  } catch {}
  await worker.logged(/full.*: the job waits/)
  t.same(namesIn(diskEnv.AUDIO_CACHE_DIR), [])
  t.equal((await http(url, '/play/long.flac?quality=high', { method: 'HEAD' })).status, 200)
  rmSync(join(disk, 'filler'))
  await worker.logged(/Cached: long.flac/)
  t.equal(await cacheStatus(url, 'long.flac', 'high'), 'mixtape; hit')
})

t.test('two workers do the nightly run once, and one of them does it when the other is killed', async t => {
  const { music, cache, env, redis, stats, cacheStatus } = await setUp(t)
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null })
  const maintenance = new MaintenanceQueue(connection)
  t.teardown(async () => {
    await maintenance.close()
    connection.disconnect()
  })
  const workerEnv = { ...env, AUDIO_CACHE_MAX_AGE_DAYS: '30' }
  const [{ url }, ...workers] = await Promise.all([startStreaming(t, env), startWorker(t, workerEnv), startWorker(t, workerEnv)])
  const anyLogged = (pattern: RegExp) => Promise.race(workers.map(worker => worker.logged(pattern)))
  copyFileSync(makeTrack(join(music, 'a.flac')), join(music, 'b.flac'))
  for (const name of ['a', 'b']) {
    await cacheStatus(url, `${name}.flac`)
    await anyLogged(new RegExp(`Cached: ${name}.flac`))
  }
  writeFileSync(join(cache, 'foreign.txt'), 'x')
  rmSync(join(music, 'a.flac'))
  await maintenance.run('nightly')
  await anyLogged(/"orphans":1,.*"foreign":1.*Removed orphans/)
  t.same(namesIn(cache), ['b_low.mp3', 'foreign.txt'])
  await anyLogged(/"nightly","enqueued":0/)
  t.equal(workers.flatMap(({ lines }) => lines.filter(line => line.includes('"Removed orphans"'))).length, 1)
  t.match((await stats(url)).evicted, { orphan: 1, age: 0 })
  await workers[0]?.stop('SIGKILL')
  // BullMQ would ignore a second nightly run within a minute.
  await connection.del('{mixtape}:maintenance:de:nightly')
  execFileSync('touch', ['-d', '40 days ago', join(cache, 'b_low.mp3')])
  await maintenance.run('nightly')
  await workers[1]?.logged(/"files":1,.*too old/)
  t.same(namesIn(cache), ['foreign.txt'])
})
