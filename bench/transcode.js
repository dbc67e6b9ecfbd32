import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { bitrates } from '@mixtape/mp3'
import { producerConnection, TranscodeProducer } from '@mixtape/transcode-queue'
import { WORKER } from '../scripts/services.js'
import { inputUrl, safeInputOptions } from '../services/worker/dist/ffmpeg-input.js'
import { foreignLoad } from './cores.js'
import { childrenSeconds, cpuSeconds, ownSeconds } from './proc.js'
import { createSite, median, SILENT } from './services.js'

const ROUNDS = Number(process.env.BENCH_ROUNDS || 3)
const TRACKS = Array.from({ length: 10 }, (_, i) => `track-${i}`)
/** Length of each track. The fixed cost of a job, such as ffprobe, has more weight for short tracks. */
const SECONDS = Number(process.env.BENCH_TRACK_SECONDS || 240)
const CORES = availableParallelism()
const JOBS = TRACKS.flatMap(name => Object.keys(bitrates).map(quality => ({ name, quality })))

/**
 * Measures what ten tracks at three qualities cost through queue, worker and cache, in comparison with the same ffmpeg
 * commands alone. As many commands run at once as there are cores. Rounds are interleaved.
 *
 * CPU seconds are those of all processes: ffmpeg, ffprobe, shells, the worker, Redis. The ideal split is the CPU seconds
 * of ffmpeg alone, divided by the number of cores.
 *
 * BENCH_ROUNDS (3) and BENCH_TRACK_SECONDS (240) may be set.
 *
 * @returns tables for the report, with medians
 */
export async function benchTranscode () {
  const load = foreignLoad()
  const site = await createSite()
  const source = join(site.dir, 'source.flac')
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `anoisesrc=d=${SECONDS}:r=44100:a=0.3:c=pink:s=1`, '-ac', '2', source])
  for (const name of TRACKS) copyFileSync(source, join(site.music, `${name}.flac`))
  const results = { ffmpeg: [], worker: [] }
  for (let round = 0; round < ROUNDS; round++) {
    results.ffmpeg.push(await runFfmpeg(site, join(site.dir, `ffmpeg-${round}`)))
    results.worker.push(await runWorker(site))
  }
  await site.stop()
  const ratio = (values, base) => Number(median(values.map((value, round) => value / base[round])).toFixed(2))
  const pick = (name, key) => results[name].map(result => result[key])
  return {
    transcode: ['ffmpeg', 'worker'].map(name => ({
      '30 MP3s': name === 'ffmpeg' ? 'ffmpeg alone' : 'queue, worker, cache',
      'wall s': Number(median(pick(name, 'wall')).toFixed(1)),
      'CPU-s': Number(median(pick(name, 'cpu')).toFixed(1)),
      'CPU-s of worker and Redis': Number(median(pick(name, 'own')).toFixed(1)),
      'CPU × ffmpeg alone': ratio(pick(name, 'cpu'), pick('ffmpeg', 'cpu')),
      'wall × ffmpeg alone': ratio(pick(name, 'wall'), pick('ffmpeg', 'wall')),
      'wall × ideal split': ratio(pick(name, 'wall'), pick('ffmpeg', 'cpu').map(cpu => cpu / CORES))
    })),
    'transcode: conditions': [{ what: 'load average before', value: load }]
  }
}

/** Runs the ffmpeg commands alone. @returns wall and CPU time in seconds */
async function runFfmpeg ({ music }, dir) {
  mkdirSync(dir)
  const before = childrenSeconds(process.pid)
  const startedAt = performance.now()
  const waiting = [...JOBS]
  await Promise.all(Array.from({ length: CORES }, async () => {
    for (let job; (job = waiting.shift());) {
      const { name, quality } = job
      const output = join(dir, `${name}_${quality}.mp3`)
      const [program, ...args] = ffmpegCommand({ input: join(music, `${name}.flac`), output, quality, seconds: SECONDS })
      await promisify(execFile)(program, args)
    }
  }))
  return { wall: (performance.now() - startedAt) / 1000, cpu: childrenSeconds(process.pid) - before, own: 0 }
}

/** @returns the ffmpeg command of services/worker/src/transcode.ts, at its niceness, to a file; `seconds` are those of the input */
export function ffmpegCommand ({ input, output, quality, seconds }) {
  const filters = 'aresample=44100,aformat=sample_rates=44100:channel_layouts=stereo,' +
    `apad=pad_len=2048,atrim=start_sample=0:end_sample=${seconds * 44100},asetpts=N/SR/TB`
  return [
    'nice', '-n', '10', 'ffmpeg', '-hide_banner', '-v', 'verbose', '-nostdin', '-threads', '1', ...safeInputOptions,
    '-i', inputUrl(input), '-y',
    '-map', '0:a:0', '-vn', '-af', filters, '-map_metadata', '-1', '-map_chapters', '-1',
    '-c:a', 'libmp3lame', '-b:a', `${bitrates[quality]}k`, '-reservoir', '0', '-write_xing', '0', '-id3v2_version', '0',
    '-flush_packets', '0', '-f', 'mp3', output
  ]
}

/** Runs a worker. @returns wall and CPU time in seconds, from the first enqueued job to the last published file */
async function runWorker (site) {
  const env = await site.env()
  const { child } = await site.run(WORKER.command, WORKER.ready, env)
  const redis = producerConnection({ url: env.REDIS_URL }, SILENT)
  const producer = new TranscodeProducer(redis)
  await setTimeout(1000) // the start of the worker is not measured
  const pids = [child.pid, site.redisPids().at(-1)]
  const [before, ownBefore] = [cpuSeconds(pids), ownSeconds(pids)]
  const startedAt = performance.now()
  await Promise.all(JOBS.map(({ name, quality }) => producer.enqueue({ path: `${name}.flac`, quality, reason: 'mixtape' })))
  const published = () => readdirSync(env.AUDIO_CACHE_DIR).filter(name => /^[^.].*\.mp3$/.test(name)).length
  while (published() < JOBS.length) {
    if (child.exitCode !== null) throw new Error(`The worker ended with status ${child.exitCode}`)
    await setTimeout(20)
  }
  const wall = (performance.now() - startedAt) / 1000
  const [cpu, own] = [cpuSeconds(pids) - before, ownSeconds(pids) - ownBefore]
  await producer.close()
  redis.disconnect()
  child.kill('SIGTERM')
  await once(child, 'exit') // from then on its CPU time is in childrenSeconds(), and must not change in the next round
  return { wall, cpu, own }
}
