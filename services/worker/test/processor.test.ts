import { appendFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { UnrecoverableError, type Job } from 'bullmq'
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
import { testFolder } from '../../../test/fixtures/folder.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { makeTrack } from '../../../test/fixtures/tracks.ts'
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
  const process = createProcessor({
    library, cache, producer, failedSources, space, usage, metrics, log, listenersWait: false, shutdown: new AbortController().signal
  })
  // The job has only the fields that the processor reads.
  const run = async (path: string) =>
    await process({ data: { path, quality: 'low', reason: 'miss' }, attemptsMade: 0, updateProgress: async () => {} } as unknown as Job)
  return { music: library.root, library, failedSources, run }
}

t.test('a source that changes its format in the middle is recorded, and not tried again', async t => {
  const { music, failedSources, run } = await setUp(t)
  const options = ['-c:a', 'libvorbis']
  const chained = makeTrack(join(music, 'chained.ogg'), { seconds: 5, options })
  appendFileSync(chained, readFileSync(makeTrack(join(music, 'b.ogg'), { seconds: 3, rate: 22050, channels: 1, options })))
  await t.rejects(run('chained.ogg'), UnrecoverableError)
  t.match(await failedSources.get('chained.ogg'), { reason: String })
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
