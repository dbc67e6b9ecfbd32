import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { t, type Test } from 'tap'
import { MaintenanceQueue } from '@mixtape/mixtapes'
import { http } from './fixtures/http.ts'
import { testRedis } from './fixtures/redis.ts'
import { startStreaming, startWorker } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

async function setUp (t: Test) {
  const dir = t.testdir({ music: {}, cache: {} })
  const redis = await testRedis(t)
  const env = {
    MUSIC_ROOT: join(dir, 'music'), AUDIO_CACHE_DIR: join(dir, 'cache'), REDIS_URL: redis.url, AUDIO_CACHE_MIN_FREE: '1B'
  }
  const stats = async (url: string) => (await http(url, '/admin/cache/stats')).json()
  const status = async (url: string, name: string, quality = 'low') =>
    (await http(url, `/play/${name}?quality=${quality}`)).headers['cache-status']
  return { music: env.MUSIC_ROOT, cache: env.AUDIO_CACHE_DIR, redis, env, stats, status }
}

t.test('the limit holds, what is played stays, and the figures say what happened', async t => {
  const { music, cache, env, stats, status } = await setUp(t)
  const limited = { ...env, AUDIO_CACHE_MAX_SIZE: '300kB' }
  const [{ url }, worker] = await Promise.all([startStreaming(t, limited), startWorker(t, { ...limited, WORKER_CONCURRENCY: '1' })])
  const source = makeTrack(join(music, '0.flac'), { seconds: 5 }) // 81 kB at low
  for (let i = 1; i < 8; i++) copyFileSync(source, join(music, `${i}.flac`))
  for (let i = 0; i < 8; i++) {
    await status(url, `${i}.flac`)
    await worker.logged(new RegExp(`Cached: ${i}.flac`))
    const size = readdirSync(cache).reduce((sum, name) => sum + statSync(join(cache, name)).size, 0)
    t.ok(size <= 300_000, `${size} bytes`)
    t.equal(await status(url, '0.flac'), 'mixtape; hit', 'played all the time')
  }
  const figures = await stats(url)
  t.match(figures, {
    max_size_bytes: 300_000,
    evicted: { size: 5, free: 0, age: 0, orphan: 0 },
    hit_rate: { last_hour: { hits: 8, misses: 8, rate: 0.5 }, last_day: { hits: 8, misses: 8 } }
  })
  t.equal(figures.bytes_saved, 8 * (statSync(source).size - statSync(join(cache, '0_low.mp3')).size))
})

t.test('without room a job waits, health says so, and it goes on by itself', async t => {
  const { music, env, status } = await setUp(t)
  const limited = { ...env, AUDIO_CACHE_MAX_SIZE: '100kB', AUDIO_CACHE_PROTECT: '5' }
  const [{ url }, worker] = await Promise.all([startStreaming(t, limited), startWorker(t, limited)])
  copyFileSync(makeTrack(join(music, 'a.flac'), { seconds: 5 }), join(music, 'b.flac'))
  await status(url, 'a.flac')
  await worker.logged(/Cached: a.flac/)
  t.equal(await status(url, 'a.flac'), 'mixtape; hit')
  t.equal(await status(url, 'b.flac'), 'mixtape; fwd=miss; detail=absent')
  await worker.logged(/The cache is full: .*: the job waits/)
  t.match((await http(url, '/health/ready')).json(), { status: 'degraded', checks: { cache: /^The cache is full/ } })
  t.equal((await http(url, '/play/b.flac?quality=low')).status, 200, 'the original is served')
  await worker.logged(/Cached: b.flac/)
  t.equal(await status(url, 'b.flac'), 'mixtape; hit')
  t.match((await http(url, '/health/ready')).json(), { status: 'ok' })
})

t.test('the disk fills up in the middle of a write: nothing is left, and it goes on once there is room', async t => {
  const { music, env, status } = await setUp(t)
  const disk = mkdtempSync(join(tmpdir(), 'test-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk])
  const onDisk = { ...env, AUDIO_CACHE_DIR: join(disk, 'cache') }
  mkdirSync(onDisk.AUDIO_CACHE_DIR)
  const [{ url }, worker] = await Promise.all([startStreaming(t, onDisk), startWorker(t, onDisk)])
  t.teardown(() => {
    execFileSync('umount', ['-l', disk])
    rmdirSync(disk)
  })
  makeTrack(join(music, 'long.flac'), { seconds: 150 }) // 4.8 MB at high
  await status(url, 'long.flac', 'high')
  while (!readdirSync(onDisk.AUDIO_CACHE_DIR).some(name => name.endsWith('.part'))) await setTimeout(1)
  try {
    writeFileSync(join(disk, 'filler'), Buffer.alloc(8 * 1024 * 1024))
  } catch {}
  await worker.logged(/full.*: the job waits/)
  t.same(readdirSync(onDisk.AUDIO_CACHE_DIR), [])
  t.equal((await http(url, '/play/long.flac?quality=high', { method: 'HEAD' })).status, 200)
  rmSync(join(disk, 'filler'))
  await worker.logged(/Cached: long.flac/)
  t.equal(await status(url, 'long.flac', 'high'), 'mixtape; hit')
})

t.test('the nightly sweep runs once for two workers, and survives the death of one', async t => {
  const { music, cache, env, redis, stats, status } = await setUp(t)
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null })
  const maintenance = new MaintenanceQueue(connection)
  t.teardown(async () => {
    await maintenance.close()
    connection.disconnect()
  })
  const old = { ...env, AUDIO_CACHE_MAX_AGE_DAYS: '30' }
  const [{ url }, ...workers] = await Promise.all([startStreaming(t, env), startWorker(t, old), startWorker(t, old)])
  const anyLogged = (pattern: RegExp) => Promise.race(workers.map(worker => worker.logged(pattern)))
  copyFileSync(makeTrack(join(music, 'a.flac')), join(music, 'b.flac'))
  for (const name of ['a', 'b']) {
    await status(url, `${name}.flac`)
    await anyLogged(new RegExp(`Cached: ${name}.flac`))
  }
  writeFileSync(join(cache, 'foreign.txt'), 'x')
  rmSync(join(music, 'a.flac'))
  await maintenance.run('nightly')
  await anyLogged(/"orphans":1,.*"foreign":1.*Removed orphans/)
  t.same(readdirSync(cache).sort(), ['b_low.mp3', 'foreign.txt'])
  await anyLogged(/"nightly","enqueued":0/)
  t.equal(workers.flatMap(({ lines }) => lines.filter(line => line.includes('"Removed orphans"'))).length, 1)
  t.match((await stats(url)).evicted, { orphan: 1, age: 0 })
  await workers[0]?.stop('SIGKILL')
  await connection.del('mixtape:maintenance:de:nightly')
  execFileSync('touch', ['-d', '40 days ago', join(cache, 'b_low.mp3')])
  await maintenance.run('nightly')
  await workers[1]?.logged(/"files":1,.*too old/)
  t.same(readdirSync(cache), ['foreign.txt'])
})
