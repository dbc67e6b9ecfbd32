import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { linkSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { STREAMING, WORKER } from '../scripts/services.js'
import { request } from './request.js'
import { createSite, median } from './services.js'

const PLACES = [0.25, 0.5, 0.75, 0.97]
const ROUNDS = Number(process.env.BENCH_ROUNDS || 3)

/**
 * Measures how long a listener waits for the first byte of a far place of a FLAC at medium that is not cached, beside an
 * ffmpeg that starts at that place. The first request for a track comes first, and is not measured; the seek follows
 * at once. Each seek uses a track of its own.
 *
 * @returns rows for the report; times are medians in ms
 */
export async function benchSeek () {
  const rows = []
  for (const [name, seconds] of [['5 minutes', 300], ['4 hours', 14_400]]) {
    const dir = mkdtempSync(join(tmpdir(), 'bench-'))
    const source = join(dir, 'source.flac')
    makeFlac(source, seconds)
    const times = { service: [], ffmpeg: [] }
    for (let round = 0; round < ROUNDS; round++) {
      for (const place of PLACES) {
        times.service.push(await seek(source, place))
        times.ffmpeg.push(await ffmpegSeek(source, seconds * place))
      }
    }
    rmSync(dir, { recursive: true })
    const ms = values => Math.round(median(values))
    rows.push({
      'FLAC of': name,
      'seek, first byte ms': ms(times.service),
      slowest: Math.round(Math.max(...times.service)),
      'ffmpeg -ss … pipe:1': ms(times.ffmpeg),
      ratio: median(times.service.map((time, i) => time / times.ffmpeg[i])).toFixed(2)
    })
  }
  return rows
}

/** Makes a FLAC of noise that is repeated every 30 s. */
export function makeFlac (file, seconds) {
  const part = `${file}.part.wav`
  const ffmpeg = args => execFileSync('ffmpeg', ['-v', 'error', '-y', ...args])
  ffmpeg(['-f', 'lavfi', '-i', 'anoisesrc=d=30:r=44100:a=0.3:c=pink:s=1', '-ac', '2', part])
  ffmpeg(['-stream_loop', `${Math.ceil(seconds / 30) - 1}`, '-i', part, '-t', `${seconds}`, '-compression_level', '0', file])
}

/**
 * Starts to play, and seeks as soon as the length is known. Both services and their Redis are new, because the job of
 * another track would disturb the measurement.
 *
 * @returns the ms that the seek took
 */
async function seek (source, place) {
  const site = await createSite()
  const env = await site.env({ AUDIO_CACHE_ON_MISS: 'transcode' })
  const { match: [, url] } = await site.run(STREAMING.command, STREAMING.ready, env)
  const { child: worker } = await site.run(WORKER.command, WORKER.ready, env)
  await setTimeout(1500) // the start of the worker is not measured
  const name = `${crypto.randomUUID()}.flac`
  linkSync(source, join(site.music, name))
  const path = `${url}/play/${name}?quality=medium`
  const start = await request(path)
  const target = await request(path, { range: `bytes=${Math.floor(start.length * place)}-` })
  const time = await target.reaches(1)
  for (const { disconnect } of [start, target]) disconnect()
  worker.kill('SIGKILL') // otherwise it would end the job first
  await once(worker, 'exit')
  await site.stop()
  return time
}

async function ffmpegSeek (file, seconds) {
  const startedAt = performance.now()
  const args = ['-v', 'error', '-ss', `${seconds}`, '-i', file, '-c:a', 'libmp3lame', '-b:a', '192k', '-f', 'mp3', 'pipe:1']
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  const time = performance.now() - startedAt
  child.kill('SIGKILL')
  await once(child, 'exit')
  return time
}
