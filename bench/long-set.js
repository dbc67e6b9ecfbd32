import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { producerConnection, TranscodeProducer } from '@mixtape/transcode-queue'
import { WORKER } from '../scripts/services.js'
import { makeFlac } from './seek.js'
import { createSite, median, SILENT } from './services.js'

const ROUNDS = Number(process.env.BENCH_ROUNDS || 3)
const SECONDS = 7200

/**
 * Measures how long a FLAC of two hours takes at medium, with one slot and with one for each core. Rounds are interleaved.
 * The ideal is what as many ffmpegs at once as there are cores need, each for its share.
 *
 * @returns rows for the report; times are medians in seconds
 */
export async function benchLongSet () {
  const site = await createSite()
  makeFlac(join(site.music, 'set.flac'), SECONDS)
  const cores = availableParallelism()
  const times = { 'one slot': [], [`${cores} slots`]: [], [`${cores} ffmpegs, a share each`]: [] }
  for (let round = 0; round < ROUNDS; round++) {
    const walls = [await transcode(site, 1), await transcode(site, cores), await encodeShares(join(site.music, 'set.flac'), cores)]
    for (const [i, values] of Object.values(times).entries()) values.push(walls[i])
  }
  await site.stop()
  return Object.entries(times).map(([name, values]) => ({
    'two hours by': name,
    'wall s': median(values).toFixed(1),
    'of one slot': median(values.map((value, round) => value / times['one slot'][round])).toFixed(2)
  }))
}

/** @returns the seconds that so many ffmpegs need, which encode a share of a file each */
async function encodeShares (file, count) {
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: count }, (_, i) => promisify(execFile)('nice', [
    '-n', '10', 'ffmpeg', '-v', 'error', '-threads', '1', '-ss', `${(i * SECONDS) / count}`, '-t', `${SECONDS / count}`, '-i', file,
    '-c:a', 'libmp3lame', '-b:a', '192k', '-reservoir', '0', '-f', 'mp3', '/dev/null', '-y'
  ])))
  return (performance.now() - startedAt) / 1000
}

async function transcode (site, slots) {
  const env = await site.env({ WORKER_CONCURRENCY: slots })
  const { child } = await site.run(WORKER.command, WORKER.ready, env)
  const redis = producerConnection({ url: env.REDIS_URL }, SILENT)
  const producer = new TranscodeProducer(redis)
  await setTimeout(1000) // the start of the worker is not measured
  const startedAt = performance.now()
  await producer.enqueue({ path: 'set.flac', quality: 'medium', reason: 'mixtape' })
  while (!existsSync(join(env.AUDIO_CACHE_DIR, 'set_medium.mp3'))) await setTimeout(20)
  const wall = (performance.now() - startedAt) / 1000
  await producer.close()
  redis.disconnect()
  child.kill('SIGTERM')
  await once(child, 'exit')
  rmSync(env.AUDIO_CACHE_DIR, { recursive: true })
  return wall
}
