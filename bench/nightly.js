import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MixtapeRegistry } from '@mixtape/mixtapes'
import { producerConnection } from '@mixtape/transcode-queue'
import { createSite, SILENT } from './services.js'

const WORKER = fileURLToPath(new URL('nightly/worker.js', import.meta.url))
const TRACKS = Number(process.env.BENCH_TRACKS || 1_000_000)
const PER_MIXTAPE = 1000

/**
 * Simulates the nightly run over mixtapes that hold all tracks of a library: its files are empty, and a stub takes the place of
 * the encoder, so that only looking, enqueueing and the queue are measured. BENCH_TRACKS (1,000,000) may be set.
 *
 * @returns a row for the report; memory is the highest of the run
 */
export async function benchNightly () {
  const site = await createSite()
  const env = await site.env({ AUDIO_CACHE_PRECACHE_QUALITIES: 'medium' })
  const redis = producerConnection({ url: env.REDIS_URL }, SILENT)
  await once(redis, 'ready')
  const mixtapes = new MixtapeRegistry(redis)
  for (let start = 0; start < TRACKS; start += PER_MIXTAPE) {
    const slug = `mixtape-${start / PER_MIXTAPE}`
    const tracks = Array.from({ length: Math.min(PER_MIXTAPE, TRACKS - start) }, (_, i) => `${slug}/track ${start + i}.flac`)
    mkdirSync(join(site.music, slug))
    for (const path of tracks) writeFileSync(join(site.music, path), '')
    await mixtapes.save({ slug, tracks, origin: 'api' })
  }
  const redisMiB = async name => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(await redis.info('memory'))[1]) / 2 ** 20
  const mixtapesMiB = await redisMiB('used_memory')
  const startedAt = performance.now()
  const { match: [, done] } = await site.run([process.execPath, WORKER], /done (.*)/, env)
  const { jobs, mostWaiting, startMiB, mostMiB } = JSON.parse(done)
  const minutes = (performance.now() - startedAt) / 60_000
  const mostRedisMiB = await redisMiB('used_memory_peak')
  await mixtapes.close()
  redis.disconnect()
  await site.stop()
  return [{
    tracks: TRACKS.toLocaleString('en'),
    jobs: jobs.toLocaleString('en'),
    minutes: minutes.toFixed(1),
    'most jobs that wait': mostWaiting,
    'Redis MiB, mixtapes alone': Math.round(mixtapesMiB),
    'Redis MiB, most': Math.round(mostRedisMiB),
    'worker MiB, at start': Math.round(startMiB),
    'worker MiB, most': Math.round(mostMiB)
  }]
}
