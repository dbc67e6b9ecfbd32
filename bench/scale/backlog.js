import { execFileSync } from 'node:child_process'
import { linkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { producerConnection, TranscodeProducer } from '@mixtape/transcode-queue'
import { STREAMING, WORKER } from '../../scripts/services.js'
import { request } from '../request.js'
import { createSite, median, SILENT } from '../services.js'

/** Misses that are measured in each case. */
const MISSES = 10
const LONG_SECONDS = 590

/**
 * Measures how long a listener waits for the first byte of audio of a track that is not cached: with a free slot, and while the only
 * slot of the worker runs a job of the nightly run and more such jobs wait.
 *
 * @returns rows for the report; times are in ms
 */
export async function benchBacklog () {
  const rows = []
  for (const waiting of [0, 100, 10_000]) {
    const times = await play(waiting)
    rows.push({
      'jobs that wait': waiting.toLocaleString('en'),
      'first audio byte, median ms': Math.round(median(times)),
      slowest: Math.round(Math.max(...times))
    })
  }
  return rows
}

async function play (waiting) {
  const site = await createSite()
  const long = join(site.dir, 'long.flac')
  const short = join(site.dir, 'short.flac')
  for (const [file, seconds] of [[long, LONG_SECONDS], [short, 60]]) {
    execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `anoisesrc=d=${seconds}:r=44100:a=0.3:c=pink:s=1`, '-ac', '2', file])
  }
  const env = await site.env({ AUDIO_CACHE_ON_MISS: 'transcode', WORKER_CONCURRENCY: '1' })
  const redis = producerConnection({ url: env.REDIS_URL }, SILENT)
  const producer = new TranscodeProducer(redis)
  const { match: [, url] } = await site.run(STREAMING.command, STREAMING.ready, env)
  for (let i = 0; i < waiting; i++) {
    linkSync(long, join(site.music, `night-${i}.flac`))
    await producer.enqueue({ path: `night-${i}.flac`, quality: 'high', reason: 'nightly' })
  }
  await site.run(WORKER.command, WORKER.ready, env)
  await setTimeout(1500) // the start of the worker is not measured
  const times = []
  for (let i = 0; i < MISSES; i++) {
    linkSync(short, join(site.music, `now-${i}.flac`))
    const target = `${url}/play/now-${i}.flac?quality=medium`
    const response = await request(target)
    if (response.type !== 'audio/mpeg') throw new Error(`A miss was answered with ${response.type}`)
    times.push(await response.reaches(3000)) // after the tag and the Info frame
    await response.reaches(response.length) // otherwise its job would disturb the next one
  }
  await producer.close()
  redis.disconnect()
  await site.stop()
  return times
}
