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
import { inputOptions, inputUrl } from '../services/worker/dist/ffmpeg-input.js'
import { foreignLoad } from './cores.js'
import { childrenSeconds, cpuSeconds, ownSeconds } from './proc.js'
import { bench, median } from './services.js'

const ROUNDS = Number(process.env.BENCH_ROUNDS || 3)
const TRACKS = Array.from({ length: 10 }, (_, i) => `track-${i}`)
/** Of each track. What a job costs at any length, such as ffprobe, weighs more in a short one. */
const SECONDS = Number(process.env.BENCH_TRACK_SECONDS || 240)
const CORES = availableParallelism()
const SILENT = { info () {}, warn () {}, error () {}, debug () {} }
const WISHES = TRACKS.flatMap(name => Object.keys(bitrates).map(quality => ({ name, quality })))

/**
 * What a batch of ten tracks of four minutes at three qualities costs through queue, worker and cache, beside the same
 * ffmpeg commands alone, as many at once as there are cores: medians of interleaved rounds.
 *
 * CPU seconds are those of everything that runs: ffmpeg, ffprobe, shells, the worker, Redis. The ideal split is the CPU
 * seconds of ffmpeg alone, shared out evenly to all cores.
 *
 * BENCH_ROUNDS (3) and BENCH_TRACK_SECONDS (240) may be set.
 *
 * @returns tables for the report
 */
export async function benchTranscode () {
  const load = foreignLoad()
  const site = await bench()
  const source = join(site.dir, 'source.flac')
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `anoisesrc=d=${SECONDS}:r=44100:a=0.3:c=pink:s=1`, '-ac', '2', source])
  for (const name of TRACKS) copyFileSync(source, join(site.music, `${name}.flac`))
  const results = { bare: [], worker: [] }
  for (let round = 0; round < ROUNDS; round++) {
    results.bare.push(await bare(site, join(site.dir, `bare-${round}`)))
    results.worker.push(await throughWorker(site))
  }
  await site.stop()
  const ratio = (of, to) => Number(median(of.map((value, round) => value / to[round])).toFixed(2))
  const pick = (name, key) => results[name].map(result => result[key])
  return {
    transcode: ['bare', 'worker'].map(name => ({
      '30 MP3s': name === 'bare' ? 'ffmpeg alone' : 'queue, worker, cache',
      'wall s': Number(median(pick(name, 'wall')).toFixed(1)),
      'CPU-s': Number(median(pick(name, 'cpu')).toFixed(1)),
      'of these worker and Redis': Number(median(pick(name, 'own')).toFixed(1)),
      'CPU × ffmpeg alone': ratio(pick(name, 'cpu'), pick('bare', 'cpu')),
      'wall × ffmpeg alone': ratio(pick(name, 'wall'), pick('bare', 'wall')),
      'wall × ideal split': ratio(pick(name, 'wall'), pick('bare', 'cpu').map(cpu => cpu / CORES))
    })),
    'transcode: conditions': [{ what: 'load average before', value: load }]
  }
}

/** @returns seconds */
async function bare ({ music }, dir) {
  mkdirSync(dir)
  const before = childrenSeconds(process.pid)
  const began = performance.now()
  const left = [...WISHES]
  await Promise.all(Array.from({ length: CORES }, async () => {
    for (let wish; (wish = left.shift());) await promisify(execFile)('nice', command(music, dir, wish))
  }))
  return { wall: (performance.now() - began) / 1000, cpu: childrenSeconds(process.pid) - before, own: 0 }
}

/** As services/worker/src/transcode.ts says it, at the same niceness, to a file. */
function command (music, dir, { name, quality }) {
  const filters = 'aresample=44100,aformat=sample_rates=44100:channel_layouts=stereo,' +
    `apad=pad_len=2048,atrim=end_sample=${SECONDS * 44100}`
  return [
    '-n', '10', 'ffmpeg', '-hide_banner', '-v', 'verbose', '-nostdin', '-threads', '1', ...inputOptions,
    '-i', inputUrl(join(music, `${name}.flac`)), '-y',
    '-map', '0:a:0', '-vn', '-af', filters, '-map_metadata', '-1', '-map_chapters', '-1',
    '-c:a', 'libmp3lame', '-b:a', `${bitrates[quality]}k`, '-write_xing', '0', '-id3v2_version', '0',
    '-flush_packets', '1', '-f', 'mp3', join(dir, `${name}_${quality}.mp3`)
  ]
}

/** @returns seconds, from the first job in the queue to the last MP3 under its name */
async function throughWorker (site) {
  const env = await site.env()
  const { child } = await site.run(WORKER.command, WORKER.ready, env)
  const redis = producerConnection(env.REDIS_URL, SILENT)
  const producer = new TranscodeProducer(redis)
  await setTimeout(1000) // what a worker does at its start is not the batch
  const pids = [child.pid, site.redisPids().at(-1)]
  const [before, ownBefore] = [cpuSeconds(pids), ownSeconds(pids)]
  const began = performance.now()
  await Promise.all(WISHES.map(({ name, quality }) => producer.enqueue({ path: `${name}.flac`, quality, reason: 'mixtape' })))
  const published = () => readdirSync(env.AUDIO_CACHE_DIR).filter(name => /^[^.].*\.mp3$/.test(name)).length
  while (published() < WISHES.length) {
    if (child.exitCode !== null) throw new Error(`The worker ended with status ${child.exitCode}`)
    await setTimeout(20)
  }
  const wall = (performance.now() - began) / 1000
  const [cpu, own] = [cpuSeconds(pids) - before, ownSeconds(pids) - ownBefore]
  await producer.close()
  redis.disconnect()
  child.kill('SIGTERM')
  await once(child, 'exit') // what it used counts as ours from then on, and must not in the next round
  return { wall, cpu, own }
}
