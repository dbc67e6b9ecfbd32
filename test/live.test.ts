import { randomInt } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, statSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { t } from 'tap'
import { producerConnection, TranscodeProducer } from '@mixtape/transcode-queue'
import { pino } from 'pino'
import { namesIn, partsIn } from './fixtures/cache-folder.ts'
import { smallDisk } from './fixtures/disk.ts'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { encoderPids, signalEncoders, startStreaming, startWorker, until } from './fixtures/services.ts'
import { decodedSamples, makeTrack } from './fixtures/tracks.ts'

const LIVE = 'mixtape; fwd=miss; stored; detail=live'
const withRange = (value: string) => ({ headers: { range: `bytes=${value}` } })

t.test('a live miss has the same bytes as the published file, for every kind of source and quality', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  for (const [name, options] of [
    ['a.flac', []], ['b.wav', []], ['vorbis.ogg', ['-c:a', 'libvorbis']], ['opus.ogg', ['-c:a', 'libopus']],
    ['aac.m4a', ['-c:a', 'aac']], ['alac.m4a', ['-c:a', 'alac']]
  ] as const) {
    const [seconds, rate, channels] = [randomInt(500, 20_000) / 1000, [8000, 32000, 44100, 48000][randomInt(4)]!, randomInt(1, 3)]
    const tags = { title: 'So What – 音', artist: 'Somebody', date: '1959', track: '3/9' }
    makeTrack(join(music, name), { seconds, rate: name.startsWith('opus') ? 48000 : rate, channels, tags, options: [...options] })
    for (const quality of ['high', 'medium', 'low']) {
      const path = `/play/${name}?quality=${quality}`
      const description = `${name}, ${seconds} s at ${rate} Hz, ${channels} channels, ${quality}`
      const miss = await http(url, path)
      await worker.logged(new RegExp(`Cached: ${name} → ${quality}`))
      const file = join(cache, name.replace(/\.\w+$/, `_${quality}.mp3`))
      t.match(miss, {
        status: 200, headers: { 'cache-status': LIVE, 'content-type': 'audio/mpeg', 'accept-ranges': 'bytes' }
      }, description)
      t.ok(miss.body.equals(readFileSync(file)), description)
      const hit = await http(url, path)
      t.match(hit.headers, { 'cache-status': 'mixtape; hit', etag: miss.headers.etag, 'content-length': miss.headers['content-length'] })
      t.ok(Math.abs(decodedSamples(file) - seconds * 44100) <= 1100, description)
    }
  }
})

t.test('50 listeners to one absent track, whole and by range, share one transcode and one entity tag', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  makeTrack(join(music, 'long.flac'), { seconds: 120 }) // 1.9 MB at low, so that no range is refused as too far ahead
  const path = '/play/long.flac?quality=low'
  const probe = await http(url, path, { method: 'HEAD' })
  const size = Number(probe.headers['content-length'])
  t.match(probe, { status: 200, headers: { 'cache-status': LIVE, etag: /^"\w+"$/ } })
  const ranges: (readonly [number, number])[] = [
    [0, 1], [size - 128, size - 1], [size - 1, size - 1], [size - 500, size - 1], [size >> 1, size - 1], [0, size - 1],
    ...Array.from({ length: 30 }, () => {
      const first = randomInt(size)
      return [first, randomInt(first, size)] as const
    })
  ]
  const [wholeResponses, rangeResponses, conditionalResponses] = await Promise.all([
    Promise.all(Array.from({ length: 14 }, () => http(url, path))),
    Promise.all(ranges.map(([first, last]) => http(url, path, withRange(`${first}-${last}`)))),
    Promise.all([
      http(url, path, { headers: { 'if-none-match': probe.headers.etag } }),
      http(url, path, { headers: { 'if-range': probe.headers.etag, range: 'bytes=-100' } }),
      http(url, path, { headers: { 'if-range': '"other"', range: 'bytes=5-6' } }),
      http(url, path, withRange(`${size}-`))
    ])
  ])
  await worker.logged(/Cached: /) // the last byte is sent before the part is renamed
  const file = readFileSync(join(cache, 'long_low.mp3'))
  t.equal(file.length, size)
  for (const { status, headers, body } of wholeResponses) {
    t.match({ status, headers }, { status: 200, headers: { etag: probe.headers.etag, 'content-length': `${size}` } })
    t.ok(body.equals(file))
  }
  for (const [i, { status, headers, body }] of rangeResponses.entries()) {
    const [first, last] = ranges[i]!
    t.match({ status, headers }, { status: 206, headers: { etag: probe.headers.etag, 'content-range': `bytes ${first}-${last}/${size}` } })
    t.ok(body.equals(file.subarray(first, last + 1)), `${first}-${last}`)
  }
  t.match(conditionalResponses.map(({ status }) => status), [304, 206, 200, 416])
  t.ok(conditionalResponses[2]!.body.equals(file))
  t.equal(worker.lines.filter(line => /Cached: /.test(line)).length, 1)
})

t.test('a range at the end of the file is served before the middle is encoded', async t => {
  const { music, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  makeTrack(join(music, 'long.flac'), { seconds: 600, tags: { title: 'The End' } })
  const { body } = await http(url, '/play/long.flac?quality=low', withRange('-128'))
  t.match(body.toString('latin1'), /^TAGThe End\0/)
  t.notMatch(worker.lines.join('\n'), /Cached:/)
})

t.test('the original is served with a reason where no live transcode is possible', async t => {
  const { music, env, redis } = await liveSite(t)
  const shortWaitEnv = { ...env, AUDIO_CACHE_LIVE_WAIT: '0.5', LIVE_MAX: '1' }
  const { url } = await startStreaming(t, shortWaitEnv)
  for (const name of ['a.flac', 'b.flac', 'unheard.flac', 'broken.flac']) makeTrack(join(music, name))
  writeFileSync(join(music, 'broken.flac'), 'no audio')
  /** Plays a track, and checks that the original is served. @returns Cache-Status */
  const playOriginal = async (path: string) => {
    const { status, headers, body } = await http(url, path)
    t.equal(status, 200)
    t.ok(body.equals(readFileSync(join(music, new URL(path, url).pathname.slice('/play/'.length)))), path)
    return headers['cache-status']
  }
  const [first, second, other] = await Promise.all([
    playOriginal('/play/a.flac?quality=low'), playOriginal('/play/a.flac?quality=low'), playOriginal('/play/b.flac?quality=low')
  ])
  t.equal(first, second, 'requests for one track share one wait')
  t.same([first, other].sort(), ['live-max', 'no-worker'].map(reason => `mixtape; fwd=miss; detail=${reason}`))
  await http(url, '/play/a.flac?quality=low') // enqueues a job for a.flac, if LIVE_MAX refused it before
  t.equal(await playOriginal('/play/a.flac'), 'mixtape; fwd=bypass; detail=original')

  const worker = await startWorker(t, env)
  await worker.logged(/Cached: a.flac/)
  t.equal((await http(url, '/play/a.flac?quality=low')).headers['cache-status'], 'mixtape; hit')
  t.equal(await playOriginal('/play/broken.flac?quality=low'), 'mixtape; fwd=miss; detail=failed')

  await redis.stop()
  t.equal(await playOriginal('/play/unheard.flac?quality=low'), 'mixtape; fwd=miss; detail=no-queue')
  t.equal((await http(url, '/play/a.flac?quality=low')).headers['cache-status'], 'mixtape; hit')
})

t.test('the listener slot runs a job that a listener waits for, while all other slots are busy', async t => {
  const { music, env, redis } = await liveSite(t)
  const connection = producerConnection({ url: redis.url }, pino({ level: 'silent' }))
  const producer = new TranscodeProducer(connection)
  t.teardown(async () => {
    await producer.close()
    connection.disconnect()
  })
  makeTrack(join(music, 'night.wav'), { seconds: 1200 })
  for (const name of ['morning.flac', 'now.flac', 'next.flac']) makeTrack(join(music, name))
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, { ...env, WORKER_CONCURRENCY: '1' })])
  await until(() => connection.status === 'ready')
  await producer.enqueue({ path: 'night.wav', quality: 'high', reason: 'nightly' })
  await until(() => encoderPids(worker.child.pid).length > 0)
  await producer.enqueue({ path: 'morning.flac', quality: 'low', reason: 'nightly' })
  await producer.enqueue({ path: 'next.flac', quality: 'low', reason: 'nightly' })
  for (const name of ['now.flac', 'next.flac']) { // next.flac waits with a lower priority, and is promoted
    const { headers } = await http(url, `/play/${name}?quality=low`)
    t.equal(headers['cache-status'], LIVE, name)
    await worker.logged(new RegExp(`Cached: ${name}`))
  }
  t.match(await producer.state({ path: 'morning.flac', quality: 'low' }, '1-1'), { state: 'queued' }, 'not in the listener slot')
  t.match(await producer.state({ path: 'night.wav', quality: 'high' }, '1-1'), { state: 'transcoding' })
  await worker.stop('SIGKILL')
})

t.test('a worker that gets SIGTERM takes no job into the listener slot', async t => {
  const { music, cache, env } = await liveSite(t)
  for (const name of ['long.wav', 'now.wav']) makeTrack(join(music, name), { seconds: 300 })
  for (const name of ['b.flac', 'c.flac']) makeTrack(join(music, name))
  const [{ url }, worker] = await Promise.all([
    startStreaming(t, { ...env, AUDIO_CACHE_LIVE_WAIT: '0' }), startWorker(t, { ...env, WORKER_CONCURRENCY: '1' })
  ])
  const play = (name: string) => http(url, `/play/${name}?quality=high`, { method: 'HEAD' })
  const countGrown = () => partsIn(cache).filter(({ size }) => size > 100_000).length
  await play('long.wav')
  await until(() => countGrown() === 1)
  const pausedPids = encoderPids(worker.child.pid)
  for (const pid of pausedPids) process.kill(pid, 'SIGSTOP')
  await play('now.wav')
  await until(() => countGrown() === 2)
  await Promise.all(['b.flac', 'c.flac'].map(play))
  const stopped = worker.stop()
  await worker.logged(/Cached: now.wav/)
  for (const pid of pausedPids) process.kill(pid, 'SIGCONT')
  t.equal(await stopped, 0)
  t.same(namesIn(cache), ['long_high.mp3', 'now_high.mp3'])
})

t.test('when ffmpeg is killed once, listeners wait for a new run, and get the same bytes', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  makeTrack(join(music, 'long.flac'), { seconds: 300 })
  const response = http(url, '/play/long.flac?quality=high')
  await until(() => partsIn(cache).some(({ size }) => size > 1_000_000))
  signalEncoders(worker.child.pid, 'SIGKILL')
  const { body } = await response
  await worker.logged(/The encoder is started again/)
  await worker.logged(/Cached: /)
  t.ok(body.equals(readFileSync(join(cache, 'long_high.mp3'))))
  t.equal(decodedSamples(join(cache, 'long_high.mp3')), 300 * 44100)
})

t.test('when ffmpeg is killed twice, the connections break, and the next listener gets the original', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  const original = readFileSync(makeTrack(join(music, 'long.flac'), { seconds: 600 }))
  const responses = Promise.allSettled([
    http(url, '/play/long.flac?quality=high'), http(url, '/play/long.flac?quality=high', withRange('9000000-'))
  ])
  // Killed before that, the listeners would get the original.
  await until(() => partsIn(cache).some(({ size }) => size > 1_000_000))
  const over = new AbortController()
  responses.then(() => { over.abort() })
  await until(() => {
    // Also that of the range: the job would go on with the segment that it makes.
    if (!over.signal.aborted) signalEncoders(worker.child.pid, 'SIGKILL')
    return over.signal.aborted
  })
  const broken = { status: 'rejected', reason: { code: 'ECONNRESET' } }
  t.match(await responses, [broken, broken])
  const next = await http(url, '/play/long.flac?quality=high')
  t.equal(next.headers['cache-status'], 'mixtape; fwd=miss; detail=failed')
  t.ok(next.body.equals(original))
  await worker.logged(/Cached: long.flac/)
  t.same(namesIn(cache), ['long_high.mp3'], 'the second attempt of the job succeeds')
})

t.test('a damaged source breaks the connection, and is not filled up with silence', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  const file = makeTrack(join(music, 'cut.flac'), { seconds: 60 })
  truncateSync(file, statSync(file).size / 2)
  await t.rejects(http(url, '/play/cut.flac?quality=low'), { code: 'ECONNRESET' })
  await worker.logged(/failed: The source is damaged: only (29|30) of its 60 s could be decoded/)
  t.notMatch(worker.lines.join('\n'), /started again/, 'a second run would find the same')
  t.same(namesIn(cache), [])
  t.match(await http(url, '/play/cut.flac?quality=low'), {
    headers: { 'cache-status': 'mixtape; fwd=miss; detail=failed', 'content-type': 'audio/flac' }
  })
})

t.test('when a worker is killed, its connections break within seconds, and new listeners get the original', async t => {
  const { music, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, { ...env, AUDIO_CACHE_LIVE_WAIT: '0.1' }), startWorker(t, env)])
  makeTrack(join(music, 'long.flac'), { seconds: 1200 })
  const path = '/play/long.flac?quality=high'
  await until(async () => (await http(url, path, withRange('0-1'))).headers['cache-status']?.includes('detail=live'))
  const response = Promise.allSettled([http(url, path)])
  await until(() => encoderPids(worker.child.pid).length > 0)
  await worker.stop('SIGKILL')
  t.match(await response, [{ status: 'rejected', reason: { code: 'ECONNRESET' } }])
  t.equal((await http(url, path, withRange('0-1'))).headers['cache-status'], 'mixtape; fwd=miss; detail=no-worker')
})

t.test('when the disk is full during a transcode, the connection breaks, and the next listener gets the original', async t => {
  const { music, env } = await liveSite(t)
  const disk = smallDisk(t, '8m')
  const diskEnv = { ...env, AUDIO_CACHE_DIR: join(disk, 'cache') }
  mkdirSync(diskEnv.AUDIO_CACHE_DIR)
  const [{ url }] = await Promise.all([startStreaming(t, diskEnv), startWorker(t, diskEnv)])
  makeTrack(join(music, 'long.flac'), { seconds: 150 })
  const response = Promise.allSettled([http(url, '/play/long.flac?quality=high')])
  await until(() => partsIn(diskEnv.AUDIO_CACHE_DIR).some(({ size }) => size > 100_000))
  try {
    writeFileSync(join(disk, 'filler'), Buffer.alloc(8 * 1024 * 1024))
  } catch {}
  t.match(await response, [{ status: 'rejected', reason: { code: 'ECONNRESET' } }])
  t.equal((await http(url, '/play/long.flac?quality=high')).headers['cache-status'], 'mixtape; fwd=miss; detail=failed')
  rmSync(join(disk, 'filler'))
})

t.test('clients that disconnect leave no descriptor open, and the job goes on', async t => {
  const { music, env } = await liveSite(t)
  const [streaming, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  makeTrack(join(music, 'long.flac'), { seconds: 300 })
  const descriptors = () => readdirSync(`/proc/${streaming.child.pid}/fd`).length
  const before = descriptors()
  const disconnects = await Promise.all(Array.from({ length: 20 }, async () => await new Promise<() => void>(resolve => {
    const request = get(`${streaming.url}/play/long.flac?quality=high`, () => resolve(() => request.destroy()))
    request.on('error', () => {})
  })))
  for (const disconnect of disconnects) disconnect()
  await until(() => descriptors() <= before + 1) // the descriptor cache keeps the source open
  t.notMatch(worker.lines.join('\n'), /Cached:/, 'the encoder still runs')
  await worker.logged(/Cached: long.flac/)
})

t.test('a range that is too far ahead of the encoder is refused at once', async t => {
  const { music, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  // A second encoder could start in the middle of a WAV, but not of AAC.
  makeTrack(join(music, 'mix.m4a'), { seconds: 200, options: ['-c:a', 'aac'] })
  const path = '/play/mix.m4a?quality=high'
  const size = Number((await http(url, path, { method: 'HEAD' })).headers['content-length'])
  await until(() => encoderPids(worker.child.pid).length > 0)
  signalEncoders(worker.child.pid, 'SIGSTOP') // as slow as can be
  const { status, headers, body } = await http(url, path, withRange(`${Math.round(size * 0.9)}-`))
  t.match({ status, headers }, { status: 503, headers: { 'retry-after': /^\d+$/, etag: undefined } })
  t.match(JSON.parse(body.toString()), { message: `The transcode will be there in about ${headers['retry-after']} s` })
  t.equal((await http(url, path, withRange('0-1'))).status, 206)
  await worker.stop('SIGKILL')
})
