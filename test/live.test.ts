import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, truncateSync, statSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { t } from 'tap'
import { producerConnection, TranscodeProducer } from '@mixtape/transcode-queue'
import { pino } from 'pino'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { encoders, startStreaming, startWorker, until } from './fixtures/services.ts'
import { decodedSamples, makeTrack } from './fixtures/tracks.ts'

const LIVE = 'mixtape; fwd=miss; stored; detail=live'
const range = (value: string) => ({ headers: { range: `bytes=${value}` } })

t.test('a miss is the file that it is going to be, for every kind of source and quality', async t => {
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
      const about = `${name}, ${seconds} s at ${rate} Hz, ${channels} channels, ${quality}`
      const miss = await http(url, path)
      await worker.logged(new RegExp(`Cached: ${name} → ${quality}`))
      const file = join(cache, name.replace(/\.\w+$/, `_${quality}.mp3`))
      t.match(miss, { status: 200, headers: { 'cache-status': LIVE, 'content-type': 'audio/mpeg', 'accept-ranges': 'bytes' } }, about)
      t.ok(miss.body.equals(readFileSync(file)), about)
      const hit = await http(url, path)
      t.match(hit.headers, { 'cache-status': 'mixtape; hit', etag: miss.headers.etag, 'content-length': miss.headers['content-length'] })
      t.ok(Math.abs(decodedSamples(file) - seconds * 44100) <= 1100, about)
    }
  }
})

t.test('fifty listeners on one cold track, whole and in part: one encoder, one file, one tag', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  makeTrack(join(music, 'long.flac'), { seconds: 120 }) // 1.9 MB at low, all of it within a listener's patience
  const path = '/play/long.flac?quality=low'
  const probe = await http(url, path, { method: 'HEAD' })
  const size = Number(probe.headers['content-length'])
  t.match(probe, { status: 200, headers: { 'cache-status': LIVE, etag: /^"\w+"$/ } })
  const wanted: (readonly [number, number])[] = [
    [0, 1], [size - 128, size - 1], [size - 1, size - 1], [size - 500, size - 1], [size >> 1, size - 1], [0, size - 1],
    ...Array.from({ length: 30 }, () => {
      const first = randomInt(size)
      return [first, randomInt(first, size)] as const
    })
  ]
  const [wholes, parts, conditional] = await Promise.all([
    Promise.all(Array.from({ length: 14 }, () => http(url, path))),
    Promise.all(wanted.map(([first, last]) => http(url, path, range(`${first}-${last}`)))),
    Promise.all([
      http(url, path, { headers: { 'if-none-match': probe.headers.etag } }),
      http(url, path, { headers: { 'if-range': probe.headers.etag, range: 'bytes=-100' } }),
      http(url, path, { headers: { 'if-range': '"other"', range: 'bytes=5-6' } }),
      http(url, path, range(`${size}-`))
    ])
  ])
  await worker.logged(/Cached: /) // the last byte is there before the file has its name
  const file = readFileSync(join(cache, 'long_low.mp3'))
  t.equal(file.length, size)
  for (const { status, headers, body } of wholes) {
    t.match({ status, headers }, { status: 200, headers: { etag: probe.headers.etag, 'content-length': `${size}` } })
    t.ok(body.equals(file))
  }
  for (const [i, { status, headers, body }] of parts.entries()) {
    const [first, last] = wanted[i]!
    t.match({ status, headers }, { status: 206, headers: { etag: probe.headers.etag, 'content-range': `bytes ${first}-${last}/${size}` } })
    t.ok(body.equals(file.subarray(first, last + 1)), `${first}-${last}`)
  }
  t.match(conditional.map(({ status }) => status), [304, 206, 200, 416])
  t.ok(conditional[2]!.body.equals(file))
  t.equal(worker.lines.filter(line => /Cached: /.test(line)).length, 1)
})

t.test('the end of a file is told before its middle is there', async t => {
  const { music, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  makeTrack(join(music, 'long.flac'), { seconds: 600, tags: { title: 'The End' } })
  const { body } = await http(url, '/play/long.flac?quality=low', range('-128'))
  t.match(body.toString('latin1'), /^TAGThe End\0/)
  t.notMatch(worker.lines.join('\n'), /Cached:/)
})

t.test('nobody who could make it: the original, and why', async t => {
  const { music, env, redis } = await liveSite(t)
  const impatient = { ...env, AUDIO_CACHE_LIVE_WAIT: '0.5', LIVE_MAX: '1' }
  const { url } = await startStreaming(t, impatient)
  for (const name of ['a.flac', 'b.flac', 'unheard.flac', 'broken.flac']) makeTrack(join(music, name))
  writeFileSync(join(music, 'broken.flac'), 'no audio')
  const why = async (path: string) => {
    const { status, headers, body } = await http(url, path)
    t.equal(status, 200)
    t.ok(body.equals(readFileSync(join(music, new URL(path, url).pathname.slice('/play/'.length)))), path)
    return headers['cache-status']
  }
  const [one, same, other] = await Promise.all([
    why('/play/a.flac?quality=low'), why('/play/a.flac?quality=low'), why('/play/b.flac?quality=low')
  ])
  t.equal(one, same, 'who waits for one track, waits for it once')
  t.same([one, other].sort(), ['live-max', 'no-worker'].map(reason => `mixtape; fwd=miss; detail=${reason}`))
  await http(url, '/play/a.flac?quality=low') // enqueued, if it was the other one that was waited for
  t.equal(await why('/play/a.flac'), 'mixtape; fwd=bypass; detail=original')

  const worker = await startWorker(t, env)
  await worker.logged(/Cached: a.flac/)
  t.equal((await http(url, '/play/a.flac?quality=low')).headers['cache-status'], 'mixtape; hit')
  t.equal(await why('/play/broken.flac?quality=low'), 'mixtape; fwd=miss; detail=failed')

  await redis.stop()
  t.equal(await why('/play/unheard.flac?quality=low'), 'mixtape; fwd=miss; detail=no-queue')
  t.equal((await http(url, '/play/a.flac?quality=low')).headers['cache-status'], 'mixtape; hit')
})

t.test('a slot of its own: whoever listens does not wait for those who do not', async t => {
  const { music, env, redis } = await liveSite(t)
  const connection = producerConnection(redis.url, pino({ level: 'silent' }))
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
  await until(() => encoders(worker.child.pid).length > 0)
  await producer.enqueue({ path: 'morning.flac', quality: 'low', reason: 'nightly' })
  await producer.enqueue({ path: 'next.flac', quality: 'low', reason: 'nightly' })
  for (const name of ['now.flac', 'next.flac']) { // the second is promoted out of its lane
    const { headers } = await http(url, `/play/${name}?quality=low`)
    t.equal(headers['cache-status'], LIVE, name)
    await worker.logged(new RegExp(`Cached: ${name}`))
  }
  t.match(await producer.state({ path: 'morning.flac', quality: 'low' }, '1-1'), { state: 'queued' }, 'the slot is for listeners only')
  t.match(await producer.state({ path: 'night.wav', quality: 'high' }, '1-1'), { state: 'transcoding' })
  await worker.stop('SIGKILL')
})

t.test('a worker that is told to stop takes nothing into the slot either', async t => {
  const { music, cache, env } = await liveSite(t)
  for (const name of ['long.wav', 'now.wav']) makeTrack(join(music, name), { seconds: 300 })
  for (const name of ['b.flac', 'c.flac']) makeTrack(join(music, name))
  const [{ url }, worker] = await Promise.all([
    startStreaming(t, { ...env, AUDIO_CACHE_LIVE_WAIT: '0' }), startWorker(t, { ...env, WORKER_CONCURRENCY: '1' })
  ])
  const ask = (name: string) => http(url, `/play/${name}?quality=high`, { method: 'HEAD' })
  const grown = () => readdirSync(cache).filter(name => statSync(join(cache, name)).size > 100_000).length
  await ask('long.wav')
  await until(() => grown() === 1)
  const frozen = encoders(worker.child.pid)
  for (const pid of frozen) process.kill(pid, 'SIGSTOP')
  await ask('now.wav')
  await until(() => grown() === 2)
  await Promise.all(['b.flac', 'c.flac'].map(ask))
  const stopped = worker.stop()
  await worker.logged(/Cached: now.wav/)
  for (const pid of frozen) process.kill(pid, 'SIGCONT')
  t.equal(await stopped, 0)
  t.same(readdirSync(cache).sort(), ['long_high.mp3', 'now_high.mp3'])
})

t.test('ffmpeg dies once: a pause, and the very same bytes', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  makeTrack(join(music, 'long.flac'), { seconds: 300 })
  const answer = http(url, '/play/long.flac?quality=high')
  await until(() => readdirSync(cache).some(name => name.endsWith('.part') && statSync(join(cache, name)).size > 1_000_000))
  for (const pid of encoders(worker.child.pid)) process.kill(pid, 'SIGKILL')
  const { body } = await answer
  await worker.logged(/The encoder is started again/)
  await worker.logged(/Cached: /)
  t.ok(body.equals(readFileSync(join(cache, 'long_high.mp3'))))
  t.equal(decodedSamples(join(cache, 'long_high.mp3')), 300 * 44100)
})

t.test('ffmpeg dies again: the connection breaks, nothing is published, the next listener gets the original', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  const original = readFileSync(makeTrack(join(music, 'long.flac'), { seconds: 600 }))
  const answers = Promise.allSettled([
    http(url, '/play/long.flac?quality=high'), http(url, '/play/long.flac?quality=high', range('9000000-'))
  ])
  for (let deaths = 0; deaths < 2; deaths++) {
    await until(() => encoders(worker.child.pid).length > 0)
    const pids = encoders(worker.child.pid)
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    await until(() => !encoders(worker.child.pid).some(pid => pids.includes(pid))) // the next may already be there
  }
  const broken = { status: 'rejected', reason: { code: 'ECONNRESET' } }
  t.match(await answers, [broken, broken])
  const next = await http(url, '/play/long.flac?quality=high')
  t.equal(next.headers['cache-status'], 'mixtape; fwd=miss; detail=failed')
  t.ok(next.body.equals(original))
  await worker.logged(/Cached: long.flac/)
  t.same(readdirSync(cache), ['long_high.mp3'], 'the queue has tried once more, behind the scenes')
})

t.test('a damaged source is neither filled up with silence nor ended as if it were whole', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  const file = makeTrack(join(music, 'cut.flac'), { seconds: 60 })
  truncateSync(file, statSync(file).size / 2)
  await t.rejects(http(url, '/play/cut.flac?quality=low'), { code: 'ECONNRESET' })
  await worker.logged(/failed: The source is damaged: \d+ of its 2646000 samples/)
  t.same(readdirSync(cache), [])
  t.match(await http(url, '/play/cut.flac?quality=low'), {
    headers: { 'cache-status': 'mixtape; fwd=miss; detail=failed', 'content-type': 'audio/flac' }
  })
})

t.test('a worker is killed: its listeners hear of it in seconds, and others get the original', async t => {
  const { music, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, { ...env, AUDIO_CACHE_LIVE_WAIT: '0.1' }), startWorker(t, env)])
  makeTrack(join(music, 'long.flac'), { seconds: 1200 })
  const path = '/play/long.flac?quality=high'
  await until(async () => (await http(url, path, range('0-1'))).headers['cache-status']?.includes('detail=live'))
  const answer = Promise.allSettled([http(url, path)])
  await until(() => encoders(worker.child.pid).length > 0)
  await worker.stop('SIGKILL')
  t.match(await answer, [{ status: 'rejected', reason: { code: 'ECONNRESET' } }])
  t.equal((await http(url, path, range('0-1'))).headers['cache-status'], 'mixtape; fwd=miss; detail=no-worker')
})

t.test('the disk is full in the middle: the connection breaks, and the next listener gets the original', async t => {
  const { music, env } = await liveSite(t)
  const disk = mkdtempSync(join(tmpdir(), 'test-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk])
  const onDisk = { ...env, AUDIO_CACHE_DIR: join(disk, 'cache') }
  mkdirSync(onDisk.AUDIO_CACHE_DIR)
  const [{ url }] = await Promise.all([startStreaming(t, onDisk), startWorker(t, onDisk)])
  t.teardown(() => {
    execFileSync('umount', ['-l', disk])
    rmdirSync(disk)
  })
  makeTrack(join(music, 'long.flac'), { seconds: 150 })
  const answer = Promise.allSettled([http(url, '/play/long.flac?quality=high')])
  await until(() => readdirSync(onDisk.AUDIO_CACHE_DIR).some(name => statSync(join(onDisk.AUDIO_CACHE_DIR, name)).size > 100_000))
  try {
    writeFileSync(join(disk, 'filler'), Buffer.alloc(8 * 1024 * 1024))
  } catch {}
  t.match(await answer, [{ status: 'rejected', reason: { code: 'ECONNRESET' } }])
  t.equal((await http(url, '/play/long.flac?quality=high')).headers['cache-status'], 'mixtape; fwd=miss; detail=failed')
  rmSync(join(disk, 'filler'))
})

t.test('whoever leaves takes everything along but the job', async t => {
  const { music, env } = await liveSite(t)
  const [streaming, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  makeTrack(join(music, 'long.flac'), { seconds: 300 })
  const descriptors = () => readdirSync(`/proc/${streaming.child.pid}/fd`).length
  const before = descriptors()
  const answers = await Promise.all(Array.from({ length: 20 }, async () => await new Promise<() => void>(resolve => {
    const request = get(`${streaming.url}/play/long.flac?quality=high`, () => resolve(() => request.destroy()))
    request.on('error', () => {})
  })))
  for (const leave of answers) leave()
  await until(() => descriptors() <= before + 1) // the source is kept open for whoever comes next
  t.notMatch(worker.lines.join('\n'), /Cached:/, 'while the encoder is still at it')
  await worker.logged(/Cached: long.flac/)
})

t.test('a wait that no player would endure is refused at once', async t => {
  const { music, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  makeTrack(join(music, 'mix.wav'), { seconds: 3 * 3600, rate: 8000, channels: 1 })
  const path = '/play/mix.wav?quality=high'
  const size = Number((await http(url, path, { method: 'HEAD' })).headers['content-length'])
  const { status, headers, body } = await http(url, path, range(`${Math.round(size * 0.9)}-`))
  t.match({ status, headers }, { status: 503, headers: { 'retry-after': /^\d+$/, etag: undefined } })
  t.match(JSON.parse(body.toString()), { message: `The transcode will be there in about ${headers['retry-after']} s` })
  t.equal((await http(url, path, range('0-1'))).status, 206)
  await worker.stop('SIGKILL')
})
