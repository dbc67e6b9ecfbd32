import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { startRedis } from '../../scripts/redis.js'
import { spawnChild } from '../../scripts/child.js'
import { WORKER } from '../../scripts/services.js'
import { SERVER_CORE } from '../cores.js'
import { servers, start } from './servers.js'

/** Each FLAC has about 20 MB, and its transcode at medium 5 MB. */
const TRACKS = Array.from({ length: 10 }, (_, i) => `track-${i}`)
const SECONDS = 208
const NOISE = `anoisesrc=d=${SECONDS}:r=44100:a=0.006:c=white:s=1[l];anoisesrc=d=${SECONDS}:r=44100:a=0.006:c=white:s=2[r];[l][r]amerge`

/**
 * @typedef {Awaited<ReturnType<typeof makeSite>>} Site
 * A library, a cache with its transcodes at medium, and a Redis without a worker. Sizes are in bytes.
 */
export async function makeSite () {
  const dir = mkdtempSync(join(tmpdir(), 'bench-serve-'))
  const [music, cache] = ['music', 'cache'].map(name => join(dir, name))
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
  for (const folder of [music, cache]) mkdirSync(folder)
  const redis = await startRedis({ dir: join(dir, 'redis') })
  if (SERVER_CORE !== undefined) execFileSync('taskset', ['-acp', SERVER_CORE, `${redis.child.pid}`])
  const env = {
    MUSIC_ROOT: music, AUDIO_CACHE_DIR: cache, AUDIO_CACHE_MIN_FREE: '1B', AUDIO_CACHE_ON_MISS: 'original', REDIS_URL: redis.url
  }
  const site = { dir, env, redis, tracks: TRACKS }
  const source = join(dir, 'source.flac')
  execFileSync('ffmpeg', ['-v', 'error', '-filter_complex', NOISE, '-sample_fmt', 's16', source])
  for (const name of TRACKS) copyFileSync(source, join(music, `${name}.flac`))
  await fillCache(site)
  return {
    ...site,
    sizes: { flac: statSync(source).size, mp3: statSync(join(cache, `${TRACKS[0]}_medium.mp3`)).size },
    stop: redis.stop
  }
}

/** Fills the cache as in production: misses enqueue jobs, and a worker runs them. */
async function fillCache (site) {
  const worker = spawnChild(WORKER.command[0], WORKER.command.slice(1), { env: { PATH: process.env.PATH, ...site.env }, stdio: ['ignore', 'ignore', 'inherit'] })
  const ours = await start(site.dir, 'ours', servers(site).ours)
  for (const name of TRACKS) {
    const isHit = async () => (await fetch(ours.url + ours.mp3(name), { method: 'HEAD' })).headers.get('cache-status') === 'mixtape; hit'
    while (!await isHit()) await setTimeout(100)
  }
  await ours.stop()
  worker.kill('SIGTERM')
  await once(worker, 'exit')
}
