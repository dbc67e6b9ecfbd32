import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { startFront } from '../../scripts/nginx.js'
import { STREAMING, WORKER } from '../../scripts/services.js'
import { CORES, pinned } from '../cores.js'
import { createWrk } from '../serve/wrk.js'
import { createSite, median } from '../services.js'

const ROUNDS = Number(process.env.BENCH_ROUNDS || 3)
const SECONDS = Number(process.env.BENCH_SECONDS || 5)

/**
 * Measures answers with 304 of replicas behind nginx, with nginx.conf: a replica checks the same for them as for a file, which nginx
 * sends. Replicas have one core each, from the first half of the cores; nginx and the load have the other half. On two
 * cores there is room for one replica only, and nothing to compare. Rounds are interleaved.
 *
 * @returns rows for the report, with medians
 */
export async function benchReplicas () {
  const site = await createSite()
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'anoisesrc=d=20:r=44100:a=0.3:c=pink:s=1', '-ac', '2', join(site.music, 'a.flac')])
  const env = await site.env({ AUDIO_CACHE_ON_MISS: 'original', X_ACCEL: '1' })
  const worker = await site.run(WORKER.command, WORKER.ready, env)
  const cores = CORES.slice(0, Math.max(Math.floor(CORES.length / 2), 1))
  const replicas = await Promise.all(cores.map(core => site.run(pinned(`${core}`, ...STREAMING.command), STREAMING.ready, env)))
  const urls = replicas.map(({ match }) => match[1])
  const path = '/play/a.flac?quality=medium'
  const head = async () => (await fetch(urls[0] + path, { method: 'HEAD' })).headers
  while ((await head()).get('cache-status') !== 'mixtape; hit') await setTimeout(100)
  const etag = (await head()).get('etag')
  worker.child.kill('SIGTERM')

  const counts = cores.map((_, i) => i + 1)
  pinThisProcess(CORES.slice(cores.length)) // its children, nginx and the load, inherit that
  const fronts = await Promise.all(counts.map(count => startFront({
    dir: join(site.dir, `front-${count}`), streaming: urls.slice(0, count), music: site.music, cache: env.AUDIO_CACHE_DIR
  })))
  const wrk = createWrk(site.dir)
  const rates = counts.map(() => [])
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, { url }] of fronts.entries()) {
      const { requests, seconds } = await wrk({ url, targets: [{ path, etag }], connections: 64 * counts[i], seconds: SECONDS })
      if (round > 0) rates[i].push(requests / seconds) // the first round compiles the code
    }
  }
  pinThisProcess(CORES)
  for (const front of fronts) await front.stop()
  await site.stop()
  return counts.map((count, i) => {
    const gain = median(rates[i].map((rate, round) => rate / rates[0][round]))
    return {
      'replicas, one core each': count,
      'requests/s': Math.round(median(rates[i])),
      '× one replica': gain.toFixed(2),
      'of n times': (gain / count).toFixed(2)
    }
  })
}

function pinThisProcess (cores) {
  if (cores.length > 0) execFileSync('taskset', ['-acp', cores.join(','), `${process.pid}`])
}
