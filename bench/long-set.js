import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { producerConnection, TranscodeProducer } from '@mixtape/transcode-queue'
import { WORKER } from '../scripts/services.js'
import { makeFlac } from './seek.js'
import { createSite, median } from './services.js'

const ROUNDS = Number(process.env.BENCH_ROUNDS || 3)
const SECONDS = 7200
const SILENT = { info () {}, warn () {}, error () {}, debug () {} }

/**
 * Measures how long a FLAC of two hours takes at medium, with one slot and with one for each core. Rounds are interleaved.
 *
 * @returns rows for the report; times are medians in seconds
 */
export async function benchLongSet () {
  const site = await createSite()
  makeFlac(join(site.music, 'set.flac'), SECONDS)
  const times = { 1: [], [availableParallelism()]: [] }
  for (let round = 0; round < ROUNDS; round++) {
    for (const slots of Object.keys(times)) times[slots].push(await transcode(site, slots))
  }
  await site.stop()
  return Object.entries(times).map(([slots, values]) => ({
    WORKER_CONCURRENCY: slots,
    'wall s': median(values).toFixed(1),
    'of one slot': median(values.map((value, round) => value / times[1][round])).toFixed(2)
  }))
}

async function transcode (site, slots) {
  const env = await site.env({ WORKER_CONCURRENCY: slots })
  const { child } = await site.run(WORKER.command, WORKER.ready, env)
  const redis = producerConnection(env.REDIS_URL, SILENT)
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
