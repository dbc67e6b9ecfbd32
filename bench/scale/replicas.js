import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startFront } from '../../scripts/nginx.js'
import { STREAMING, WORKER } from '../../scripts/services.js'
import { CORES, pinned } from '../cores.js'
import { createWrk } from '../serve/wrk.js'
import { createSite, median } from '../services.js'

const ROUNDS = Number(process.env.BENCH_ROUNDS || 3)
const SECONDS = Number(process.env.BENCH_SECONDS || 5)

/** Whether nginx and the load have as many cores of their own as the replicas. */
const HAS_ROOM = CORES.length >= 4
const SERVER_CORES = HAS_ROOM ? CORES.slice(0, Math.floor(CORES.length / 2)) : CORES

/**
 * Measures answers with 304 of replicas behind nginx, with nginx.conf: a replica checks the same for them as for a file, which nginx
 * sends. Replicas have one core each, from the first half of the cores; nginx and the load have the other half. With fewer
 * than four cores, nginx and the load run on those of the replicas. Bare servers of Node.js show what the cores allow. Rounds
 * are interleaved.
 *
 * @returns rows for the report, with medians
 */
export async function benchReplicas () {
  const site = await createSite()
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'anoisesrc=d=20:r=44100:a=0.3:c=pink:s=1', '-ac', '2', join(site.music, 'a.flac')])
  const env = await site.env({ AUDIO_CACHE_ON_MISS: 'original', X_ACCEL: '1' })
  const worker = await site.run(WORKER.command, WORKER.ready, env)
  const start = async command => await Promise.all(SERVER_CORES.map(async core => {
    return (await site.run(pinned(`${core}`, ...command), STREAMING.ready, env)).match[1]
  }))
  const urls = await start(STREAMING.command)
  const bareUrls = await start([process.execPath, fileURLToPath(new URL('bare.js', import.meta.url))])
  const path = '/play/a.flac?quality=medium'
  const head = async () => (await fetch(urls[0] + path, { method: 'HEAD' })).headers
  while ((await head()).get('cache-status') !== 'mixtape; hit') await setTimeout(100)
  const etag = (await head()).get('etag')
  worker.child.kill('SIGTERM')

  const counts = SERVER_CORES.map((_, i) => i + 1)
  const runs = []
  for (const count of counts) {
    for (const [name, servers] of [['front', urls], ['bare', bareUrls]]) {
      pinThisProcess(count) // its children, nginx and the load, inherit that
      const front = await startFront({
        dir: join(site.dir, `${name}-${count}`), streaming: servers.slice(0, count), music: site.music, cache: env.AUDIO_CACHE_DIR
      })
      runs.push({ name, count, front, rates: [] })
    }
  }
  const wrk = createWrk(site.dir)
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { count, front, rates } of runs) {
      pinThisProcess(count)
      const { requests, seconds } = await wrk({ url: front.url, targets: [{ path, etag }], connections: 64 * count, seconds: SECONDS })
      if (round > 0) rates.push(requests / seconds) // the first round compiles the code
    }
  }
  for (const { front } of runs) await front.stop()
  await site.stop()
  const find = (name, count) => runs.find(run => run.name === name && run.count === count).rates
  const ofN = (name, count) => median(find(name, count).map((rate, round) => rate / find(name, 1)[round])) / count
  return counts.map(count => ({
    'replicas, one core each': count,
    'requests/s': Math.round(median(find('front', count))),
    'of n times': ofN('front', count).toFixed(2),
    'bare servers': Math.round(median(find('bare', count))),
    'of n times those': ofN('bare', count).toFixed(2)
  }))
}

/** @param {number} count of the servers that are measured */
function pinThisProcess (count) {
  const cores = HAS_ROOM ? CORES.slice(SERVER_CORES.length) : CORES.slice(0, count)
  execFileSync('taskset', ['-acp', cores.join(','), `${process.pid}`])
}
