import { copyFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { t, type Test } from 'tap'
import { KEY_PREFIX, QUEUE_NAME } from '@mixtape/transcode-queue'
import { namesIn } from './fixtures/cache-folder.ts'
import { testFolder } from './fixtures/folder.ts'
import { http } from './fixtures/http.ts'
import { testRedis } from './fixtures/redis.ts'
import { startAndFail, startStreaming, startWorker, type Service } from './fixtures/services.ts'
import { decodedSamples, ffprobe, makeTrack } from './fixtures/tracks.ts'

/** Makes an empty library, an empty cache and a Redis for one test. @returns them, and the environment of the services */
async function setUp (t: Test) {
  const dir = testFolder(t, { music: {}, cache: {} })
  const redis = await testRedis(t)
  const music = join(dir, 'music')
  const cache = join(dir, 'cache')
  const env = { MUSIC_ROOT: music, AUDIO_CACHE_DIR: cache, REDIS_URL: redis.url, LOG_LEVEL: 'debug' }
  return { music, cache, redis, env }
}

/** Plays a track, waits until the worker has cached the transcode, and plays it again. @returns the second response */
async function untilHit (worker: Service, url: string, path: string) {
  const [, name = '', quality = ''] = /([^/]+)\?quality=(\w+)$/.exec(path) ?? []
  const pattern = new RegExp(`Cached: ${decodeURIComponent(name).replaceAll(/[.+()[\]]/g, '\\$&')} → ${quality}`)
  await http(url, path)
  await worker.logged(pattern)
  return await http(url, path)
}

t.test('a miss becomes a hit, for every kind of source', async t => {
  const { music, cache, env } = await setUp(t)
  const [streaming, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  const tags = { title: 'So What', artist: 'Somebody', album: 'An Album', track: '1', date: '1959', genre: 'Jazz' }
  for (const [name, options] of [
    ['so-what.flac', []], ['b.wav', []], ['vorbis.ogg', ['-c:a', 'libvorbis']], ['opus.ogg', ['-c:a', 'libopus']],
    ['aac.m4a', ['-c:a', 'aac']], ['alac.m4a', ['-c:a', 'alac']]
  ] as const) {
    makeTrack(join(music, 'jazz', name), { seconds: 5, rate: 48000, tags, options: [...options] })
    const original = readFileSync(join(music, 'jazz', name))
    for (const [quality, bitrate] of [['high', 256], ['medium', 192], ['low', 128]] as const) {
      const path = `/play/jazz/${name}?quality=${quality}`
      const miss = await http(streaming.url, path)
      t.match(miss, { status: 200, headers: { 'cache-status': 'mixtape; fwd=miss; detail=absent' } })
      t.ok(miss.body.equals(original), 'the original is served until then')
      const hit = await untilHit(worker, streaming.url, path)
      t.match(hit, { status: 200, headers: { 'cache-status': 'mixtape; hit', 'content-type': 'audio/mpeg' } })
      const file = join(cache, 'jazz', `${name.replace(/\.\w+$/, '')}_${quality}.mp3`)
      t.ok(hit.body.equals(readFileSync(file)))
      const format = await ffprobe(file)
      t.match(format, { codec_name: 'mp3', bit_rate: `${bitrate}000`, sample_rate: '44100', channels: 2, tags })
      t.ok(Math.abs(format.duration - 5) < 0.05, `${format.duration} s`)
      t.ok(Math.abs(decodedSamples(file) - 5 * 44100) <= 44, 'no gap before or after')
    }
  }
  for (const name of ['a.mp3', 'a.aac']) {
    makeTrack(join(music, name))
    const response = await http(streaming.url, `/play/${name}?quality=low`)
    t.match(response.headers, { 'cache-status': 'mixtape; fwd=miss; detail="not transcodable"' })
    t.ok(response.body.equals(readFileSync(join(music, name))))
  }
  t.match((await http(streaming.url, '/admin/cache/stats')).json(), { cached_files: 18 })
  t.equal(await streaming.stop(), 0)
  t.equal(await worker.stop(), 0)
  t.equal(streaming.lines.filter(line => line.includes('Cache hit: ')).length, 18)
  t.equal(streaming.lines.filter(line => line.includes('Cache miss: ')).length, 36)
})

t.test('files are transcoded whose names ffmpeg or a shell could misread', async t => {
  const { music, env } = await setUp(t)
  const [streaming, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  const source = makeTrack(join(music, 'a.flac'), { seconds: 1 })
  for (const name of ['-i.flac', 'concat:a.flac', 'pipe:0.flac', '%03d.flac', '$HOME `x` "y" \'z\'.flac', 'a b\\.flac', '音.flac',
    'http:x.flac', 'UPPER.FLAC']) {
    copyFileSync(source, join(music, name))
    const path = `/play/${encodeURIComponent(name)}?quality=low`
    await http(streaming.url, path)
    while ((await http(streaming.url, path)).headers['cache-status'] !== 'mixtape; hit') await setTimeout(20)
    t.pass(name)
  }
  t.same(worker.lines.filter(line => line.includes('failed')), [])
})

t.test('song.flac and song.wav in one folder have separate cached files', async t => {
  const { music, cache, env } = await setUp(t)
  const [streaming, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  makeTrack(join(music, 'song.flac'), { seconds: 2 })
  makeTrack(join(music, 'song.wav'), { seconds: 3 })
  await untilHit(worker, streaming.url, '/play/song.flac?quality=low')
  await untilHit(worker, streaming.url, '/play/song.wav?quality=low')
  t.same(namesIn(cache), ['song.wav_low.mp3', 'song_low.mp3'])
  for (const [name, seconds] of [['song.flac', 2], ['song.wav', 3]] as const) {
    const file = join(cache, '../response.mp3')
    writeFileSync(file, (await http(streaming.url, `/play/${name}?quality=low`)).body)
    t.equal(decodedSamples(file), seconds * 44100, name)
  }
})

t.test('1000 concurrent misses of a track make one job, which runs ffmpeg once', async t => {
  const { music, env } = await setUp(t)
  const [streaming, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  makeTrack(join(music, 'a.flac'), { seconds: 20 })
  const head = async () => await http(streaming.url, '/play/a.flac?quality=low', { method: 'HEAD' })
  const responses = await Promise.all(Array.from({ length: 1000 }, head))
  t.ok(responses.every(({ status }) => status === 200))
  await worker.logged(/Cached: a.flac/)
  t.equal((await head()).headers['cache-status'], 'mixtape; hit')
  t.equal(await worker.stop(), 0)
  t.equal(worker.lines.filter(line => line.includes('Cached: ')).length, 1)
})

t.test('a miss is transcoded after the cache was cleared, and after a broken source was replaced', async t => {
  const { music, env } = await setUp(t)
  const [streaming, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  const good = makeTrack(join(music, 'good.flac'))
  await untilHit(worker, streaming.url, '/play/good.flac?quality=low')
  t.match((await http(streaming.url, '/admin/cache/clear', { method: 'POST' })).json(), { deleted_files: 1 })
  worker.lines.length = 0
  t.equal((await untilHit(worker, streaming.url, '/play/good.flac?quality=low')).headers['cache-status'], 'mixtape; hit')

  writeFileSync(join(music, 'text.flac'), 'no music')
  copyFileSync(good, join(music, 'cut.flac'))
  truncateSync(join(music, 'cut.flac'), 100_000)
  for (const [name, reason] of [['text.flac', /failed: .*[Ii]nvalid data|failed: No audio/], ['cut.flac', /failed: The source is damaged: only \d+ of its \d+ s/]] as const) {
    const original = readFileSync(join(music, name))
    const path = `/play/${name}?quality=low`
    t.ok((await http(streaming.url, path)).body.equals(original))
    await worker.logged(reason)
    worker.lines.length = 0
    t.ok((await http(streaming.url, path)).body.equals(original), 'the original is still served')
    copyFileSync(good, join(music, 'new'))
    renameSync(join(music, 'new'), join(music, name))
    t.equal((await untilHit(worker, streaming.url, path)).headers['cache-status'], 'mixtape; hit')
    t.notOk(worker.lines.some(line => line.includes('failed')), 'the broken source was not tried again')
  }
})

t.test('invalid jobs fail at once, and other jobs still run', async t => {
  const { music, env, redis } = await setUp(t)
  const queue = new Queue(QUEUE_NAME, { connection: { url: redis.url }, prefix: KEY_PREFIX })
  t.teardown(() => queue.close())
  const invalidJobs = [
    { path: '../../etc/passwd', quality: 'low', reason: 'miss' }, { path: '/etc/x.flac', quality: 'low', reason: 'miss' },
    { path: 'a.flac', quality: 'ultra', reason: 'miss' }, { path: 7, quality: 'low', reason: 'miss' }, null, 'x', [],
    { path: 'x'.repeat(1e6), quality: 'low', reason: 'miss' }, { path: 'gone.flac', quality: 'low', reason: 'miss' }
  ]
  await queue.addBulk(invalidJobs.map(data => ({ name: 'invalid', data, opts: { attempts: 5 } })))
  makeTrack(join(music, 'a.flac'))
  const [streaming, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  t.equal((await untilHit(worker, streaming.url, '/play/a.flac?quality=low')).headers['cache-status'], 'mixtape; hit')
  t.equal(await queue.getFailedCount(), invalidJobs.length)
  t.equal(await queue.getDelayedCount(), 0, 'no invalid job is tried again')
})

t.test('a wrong environment variable stops the start with one message', async t => {
  const { env } = await setUp(t)
  for (const [wrong, message] of [
    [{ PORT: 'http' }, 'PORT is "http". Allowed: a whole number from 0 to 65535.'],
    [{ HOST: '0.0.0.0' }, /^HOST is "0.0.0.0" and ADMIN_TOKEN is not set/]
  ] as const) {
    const { status, output } = await startAndFail(t, { ...env, ...wrong })
    t.equal(status, 1)
    t.match(output, message)
    t.notMatch(output, /^ +at /m, 'no stack trace')
  }
  const streaming = await startStreaming(t, { ...env, HOST: '0.0.0.0', ADMIN_TOKEN: 'secret' })
  t.equal((await http(streaming.url, '/admin/cache/stats')).status, 401)
})
