import { setTimeout } from 'node:timers/promises'
import { Worker } from 'bullmq'
import { pino } from 'pino'
import { AudioCache } from '@mixtape/audio-cache'
import { readConfig } from '@mixtape/config'
import { Library } from '@mixtape/library'
import { Metrics } from '@mixtape/metrics'
import { MixtapeRegistry } from '@mixtape/mixtapes'
import { CacheUsage, Plays } from '@mixtape/statistics'
import { QUEUE_NAME, TranscodeProducer, workerConnection, workerOptions } from '@mixtape/transcode-queue'
import { createMaintenance } from '../../services/worker/dist/maintenance.js'
import { WorkerMetrics } from '../../services/worker/dist/metrics.js'

/** The first jobs are slow, so that the queue fills to its limit. */
const SLOW_JOBS = 5000
const SLOW_MS = 20

/** A worker whose transcodes do nothing. It does the nightly run once, waits until the queue is empty, and prints what that took. */
const log = pino({ level: 'silent' })
const config = readConfig(process.env)
const connection = workerConnection(config.REDIS, log)
const library = new Library(config.MUSIC_ROOT)
const producer = new TranscodeProducer(connection)
let jobs = 0
new Worker(QUEUE_NAME, async () => {
  if (jobs++ < SLOW_JOBS) await setTimeout(SLOW_MS)
}, { ...workerOptions, connection, concurrency: 5 }).on('error', console.error)
const nightly = createMaintenance({
  config,
  library,
  cache: new AudioCache(config.AUDIO_CACHE_DIR, library, config.AUDIO_CACHE_TRANSCODE_EXTENSIONS),
  producer,
  mixtapes: new MixtapeRegistry(connection),
  plays: new Plays(connection),
  usage: new CacheUsage(connection),
  metrics: new WorkerMetrics(new Metrics({ service: 'bench', version: '0', ping: async () => {} }).registry, 1),
  log,
  shutdown: new AbortController().signal
})
const startMiB = process.memoryUsage.rss() / 2 ** 20
let mostWaiting = 0
setInterval(async () => { mostWaiting = Math.max(mostWaiting, await producer.countWaiting('nightly')) }, 200)
await nightly({ name: 'nightly', data: {} })
while (await producer.countWaiting('nightly') > 0) await setTimeout(100)
console.log('done', JSON.stringify({ jobs, mostWaiting, startMiB, mostMiB: process.resourceUsage().maxRSS / 1024 }))
