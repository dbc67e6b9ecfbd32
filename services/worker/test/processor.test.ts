import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { UnrecoverableError, WaitingError, type Job } from 'bullmq'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { t, type Test } from 'tap'
import { AudioCache } from '@mixtape/audio-cache'
import { readConfig } from '@mixtape/config'
import { Library } from '@mixtape/library'
import { MixtapeRegistry } from '@mixtape/mixtapes'
import { CacheUsage, Plays } from '@mixtape/statistics'
import { FailedSources, TranscodeProducer } from '@mixtape/transcode-queue'
import { namesIn } from '../../../test/fixtures/cache-folder.ts'
import { testFolder } from '../../../test/fixtures/folder.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { until } from '../../../test/fixtures/services.ts'
import { audioOf, decodedSamples, makeTrack } from '../../../test/fixtures/tracks.ts'
import { WorkerMetrics } from '../src/metrics.ts'
import { createProcessor } from '../src/processor.ts'
import { createSpaceReservation } from '../src/space-reservation.ts'

async function setUp (t: Test) {
  const dir = testFolder(t, { music: {}, cache: {} })
  const redis = new Redis((await testRedis(t)).url)
  const config = readConfig({ MUSIC_ROOT: join(dir, 'music'), AUDIO_CACHE_DIR: join(dir, 'cache') })
  const library = new Library(config.MUSIC_ROOT)
  const cache = new AudioCache(config.AUDIO_CACHE_DIR, library, ['.flac', '.ogg'])
  const log = pino({ level: 'silent' })
  const failedSources = new FailedSources(redis)
  const usage = new CacheUsage(redis)
  const mixtapes = new MixtapeRegistry(redis)
  const producer = new TranscodeProducer(redis)
  t.teardown(async () => {
    await producer.close()
    await mixtapes.close()
    redis.disconnect()
  })
  const metrics = new WorkerMetrics(new Registry(), 1)
  const space = createSpaceReservation({ config, cache, usage, plays: new Plays(redis), mixtapes, redis, metrics, log })
  const run = async (path: string, {
    shutdown = new AbortController().signal, attemptsMade = 0, attemptsStarted = 1, updateProgress = async (_percent: number) => {}
  } = {}) => {
    const process = createProcessor({ library, cache, producer, failedSources, space, usage, metrics, log, spares: undefined, shutdown })
    // The job has only the fields that the processor reads.
    const job = { data: { path, quality: 'low', reason: 'miss' }, attemptsMade, attemptsStarted, updateProgress, moveToWait: async () => {} }
    return await process(job as unknown as Job)
  }
  return { music: library.root, cache: cache.dir, library, failedSources, run }
}

t.test('a source that changes its format in the middle is recorded, and not tried again', async t => {
  const { music, failedSources, run } = await setUp(t)
  const options = ['-c:a', 'libvorbis']
  const chained = makeTrack(join(music, 'chained.ogg'), { seconds: 5, options })
  appendFileSync(chained, readFileSync(makeTrack(join(music, 'b.ogg'), { seconds: 3, rate: 22050, channels: 1, options })))
  await t.rejects(run('chained.ogg'), UnrecoverableError)
  t.match(await failedSources.get('chained.ogg'), { reason: String })
})

t.test('the second attempt measures an Ogg that has less audio than it states', async t => {
  const { music, cache, failedSources, run } = await setUp(t)
  const file = makeTrack(join(music, 'gap.ogg'), { seconds: 20, options: ['-c:a', 'libvorbis'] })
  const bytes = readFileSync(file)
  for (let page = bytes.indexOf('OggS', bytes.length / 2), i = 0; i < 3; page = bytes.indexOf('OggS', page + 4), i++) {
    bytes.writeUInt32LE(0, page + 22) // a wrong checksum: ffmpeg drops the page
  }
  writeFileSync(file, bytes)
  const error: unknown = await run('gap.ogg').catch(error => error)
  t.match(error, { message: /only 1\d of its 20 s could be decoded/ })
  t.notOk(error instanceof UnrecoverableError)
  t.equal(await failedSources.get('gap.ogg'), undefined)
  await run('gap.ogg', { attemptsMade: 1 })
  t.equal(decodedSamples(join(cache, 'gap_low.mp3')), decodedSamples(file))
})

t.test('segments that a worker left when it died after the publish are deleted', async t => {
  const { music, cache, library, run } = await setUp(t)
  makeTrack(join(music, 'a.flac'), { seconds: 2 })
  await run('a.flac')
  const track = await library.open('a.flac')
  await new AudioCache(cache, library, ['.flac']).segments(track!, 'low', 2 * 44100).open()
  t.equal(namesIn(cache).length, 2)
  await run('a.flac')
  t.same(namesIn(cache), ['a_low.mp3'])
  await track?.close()
})

t.test('a source that failed is forgotten when another version of it is cached', async t => {
  const { music, failedSources, run } = await setUp(t)
  const file = join(music, 'a.flac')
  writeFileSync(file, 'no audio')
  await t.rejects(run('a.flac'), UnrecoverableError)
  t.match(await failedSources.all(), [{ path: 'a.flac' }])
  makeTrack(file)
  await run('a.flac')
  t.same(await failedSources.all(), [])
})

t.test('a source that is missing for a moment is not recorded as broken', async t => {
  const { music, library, failedSources, run } = await setUp(t)
  const file = makeTrack(join(music, 'a.flac'))
  const open = library.open.bind(library)
  library.open = async path => {
    const track = await open(path)
    rmSync(file, { force: true })
    return track
  }
  const error: unknown = await run('a.flac').catch(error => error)
  t.match(error, { message: 'The source changed while it was being transcoded' })
  t.notOk(error instanceof UnrecoverableError)
  t.equal(await failedSources.get('a.flac'), undefined)
})

t.test('the new version of a source that changed is transcoded at once, and later where it changes again', async t => {
  const { music, cache, run } = await setUp(t)
  const file = makeTrack(join(music, 'a.flac'), { seconds: 60 })
  const replace = async () => { renameSync(makeTrack(join(music, 'new.flac'), { seconds: 60 }), file) }
  await t.rejects(run('a.flac', { updateProgress: replace }), WaitingError)
  await t.rejects(run('a.flac', { updateProgress: replace, attemptsStarted: 2 }), { message: 'The source changed while it was being transcoded' })
  t.equal(await run('a.flac', { attemptsStarted: 3 }), 'a_low.mp3')
  t.same(readdirSync(cache), ['a_low.mp3'])
})

t.test('a worker goes on where one that was stopped had come to, and encodes again what a power failure has damaged', async t => {
  const { music, cache, run } = await setUp(t)
  makeTrack(join(music, 'a.flac'), { seconds: 200 })
  await run('a.flac')
  const mp3 = join(cache, 'a_low.mp3')
  const alone = readFileSync(mp3)
  const size = alone.length

  for (const damaged of [false, true]) {
    rmSync(mp3)
    const stop = new AbortController()
    const stopped = run('a.flac', { shutdown: stop.signal })
    const part = () => join(cache, readdirSync(cache).find(name => name.endsWith('.part')) ?? 'none')
    await until(() => existsSync(part()) && statSync(part()).size > size / 2)
    stop.abort()
    await t.rejects(stopped, WaitingError)
    const left = part()
    if (damaged) {
      const { atime, mtime } = statSync(left)
      const file = await open(left, 'r+')
      await file.write(Buffer.alloc(4096), 0, 4096, Math.floor(size / 4 / 4096) * 4096)
      await file.utimes(atime, mtime) // it is still dead
      await file.close()
    }
    const percents: number[] = []
    await run('a.flac', { updateProgress: async percent => { percents.push(percent) } })
    t.ok(audioOf(readFileSync(mp3)).equals(audioOf(alone)))
    t.notOk(existsSync(left))
    const [lowest, highest] = damaged ? [20, 30] : [49, 100]
    t.ok(percents[0]! >= lowest && percents[0]! <= highest, `it went on at ${percents[0]} %`)
  }
})
