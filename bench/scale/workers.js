import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { producerConnection, TranscodeProducer } from '@mixtape/transcode-queue'
import { WORKER } from '../../scripts/services.js'
import { CORES, pinned } from '../cores.js'
import { createSite, median, SILENT } from '../services.js'
import { ffmpegCommand } from '../transcode.js'

const ROUNDS = Number(process.env.BENCH_ROUNDS || 3)
const SECONDS = 120
const TRACKS = Array.from({ length: 24 }, (_, i) => `track-${i}`)

/**
 * Measures the throughput of workers that have one core each, beside as many loops of bare ffmpeg commands that have one
 * core each. Rounds are interleaved. Where two cores are threads of one, or share their clock, two bare ffmpegs are not twice
 * as fast as one either; the last column is free of that.
 *
 * @returns rows for the report; medians of the ratios in each round
 */
export async function benchWorkers () {
  const site = await createSite()
  const source = join(site.dir, 'source.flac')
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `anoisesrc=d=${SECONDS}:r=44100:a=0.3:c=pink:s=1`, '-ac', '2', source])
  for (const name of TRACKS) copyFileSync(source, join(site.music, `${name}.flac`))
  const counts = CORES.map((_, i) => i + 1)
  const times = { worker: counts.map(() => []), ffmpeg: counts.map(() => []) }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, count] of counts.entries()) {
      times.ffmpeg[i].push(await runFfmpegs(site, join(site.dir, `ffmpeg-${round}-${count}`), count))
      times.worker[i].push(await runWorkers(site, count))
    }
  }
  await site.stop()
  const speedUp = (name, i) => times[name][i].map((seconds, round) => times[name][0][round] / seconds)
  return counts.map((count, i) => ({
    'workers, one core each': count,
    'tracks of 2 min a minute': Math.round(TRACKS.length * 60 / median(times.worker[i])),
    '× one worker': median(speedUp('worker', i)).toFixed(2),
    'bare ffmpegs × one': median(speedUp('ffmpeg', i)).toFixed(2),
    'of what bare ffmpegs gain': median(speedUp('worker', i).map((gain, round) => gain / speedUp('ffmpeg', i)[round])).toFixed(2)
  }))
}

/** @returns seconds from the first enqueued job to the last published file */
async function runWorkers (site, count) {
  const env = await site.env({ WORKER_CONCURRENCY: '1' })
  const workers = await Promise.all(CORES.slice(0, count).map(core => site.run(pinned(`${core}`, ...WORKER.command), WORKER.ready, env)))
  const redis = producerConnection({ url: env.REDIS_URL }, SILENT)
  const producer = new TranscodeProducer(redis)
  await setTimeout(1500) // the start of the workers is not measured
  const startedAt = performance.now()
  await Promise.all(TRACKS.map(name => producer.enqueue({ path: `${name}.flac`, quality: 'medium', reason: 'mixtape' })))
  const published = () => readdirSync(env.AUDIO_CACHE_DIR).filter(name => /^[^.].*\.mp3$/.test(name)).length
  while (published() < TRACKS.length) await setTimeout(20)
  const seconds = (performance.now() - startedAt) / 1000
  await producer.close()
  redis.disconnect()
  for (const { child } of workers) {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  return seconds
}

/** @returns seconds that so many ffmpegs at a time need for all tracks */
async function runFfmpegs ({ music }, dir, count) {
  mkdirSync(dir)
  const waiting = [...TRACKS]
  const startedAt = performance.now()
  await Promise.all(CORES.slice(0, count).map(async core => {
    for (let name; (name = waiting.shift());) {
      const command = ffmpegCommand({ input: join(music, `${name}.flac`), output: join(dir, `${name}.mp3`), quality: 'medium', seconds: SECONDS })
      const [program, ...args] = pinned(`${core}`, ...command)
      await promisify(execFile)(program, args)
    }
  }))
  return (performance.now() - startedAt) / 1000
}
