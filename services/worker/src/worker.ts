import { mkdir } from 'node:fs/promises'
import { Worker } from 'bullmq'
import type { Logger } from 'pino'
import { AudioCache } from '@mixtape/audio-cache'
import { clearDeadParts } from '@mixtape/audio-cache/upkeep'
import { projectVersion, type Config } from '@mixtape/config'
import { Library } from '@mixtape/library'
import { Metrics, startMetricsServer } from '@mixtape/metrics'
import { MAINTENANCE_QUEUE, MaintenanceQueue, MixtapeRegistry } from '@mixtape/mixtapes'
import { CacheUsage, Plays } from '@mixtape/statistics'
import { startTracing } from '@mixtape/tracing'
import { FailedSources, migrateKeys, TranscodeProducer, workerConnection, workerOptions } from '@mixtape/transcode-queue'
import { HeartbeatSender } from './heartbeat-sender.ts'
import { logFailures } from './job-log.ts'
import { createMaintenance } from './maintenance.ts'
import { WorkerMetrics } from './metrics.ts'
import { watchMixtapesFolder } from './mixtapes-folder.ts'
import { createProcessor } from './processor.ts'
import { preloadCapabilities } from './run-ffmpeg.ts'
import { createSpaceReservation } from './space-reservation.ts'
import { SpareEncoders } from './spare-encoders.ts'
import { traceJobs } from './trace-jobs.ts'
import { TranscodeSlots } from './transcode-slots.ts'

/** A nightly run waits for hours while enough jobs wait. Mixtapes that are saved meanwhile do not wait for it. */
const MAINTENANCE_CONCURRENCY = 10

export interface TranscodeWorker {
  /**
   * Takes no more jobs, and waits for the running ones.
   *
   * @param graceMs after this time running jobs are stopped and go back to the queue
   */
  close (graceMs: number): Promise<void>
}

/** Starts to process transcode and maintenance jobs. While Redis is away it waits. */
export async function startWorker (config: Config, log: Logger): Promise<TranscodeWorker> {
  const library = new Library(config.MUSIC_ROOT)
  const cache = new AudioCache(config.AUDIO_CACHE_DIR, library, config.AUDIO_CACHE_TRANSCODE_EXTENSIONS)
  const connection = workerConnection(config.REDIS, log)
  const producer = new TranscodeProducer(connection)
  const maintenance = new MaintenanceQueue(connection)
  const mixtapes = new MixtapeRegistry(connection)
  const plays = new Plays(connection)
  const usage = new CacheUsage(connection)
  const allMetrics = new Metrics({ service: 'worker', version: projectVersion(), ping })
  const metrics = new WorkerMetrics(allMetrics.registry, config.WORKER_CONCURRENCY)
  const space = createSpaceReservation({ config, cache, usage, plays, mixtapes, redis: connection, metrics, log })
  const graceOver = new AbortController()
  const stopping = new AbortController()
  let removal: Promise<void> | undefined

  await mkdir(config.AUDIO_CACHE_DIR, { recursive: true })
  await removeDeadParts()
  const stopTracing = config.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
    ? undefined
    : await startTracing({ service: 'worker', version: projectVersion(), endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT, log })
  // Before the first job is taken: the port may be in use.
  const metricsServer = config.METRICS_PORT === undefined
    ? undefined
    : await startMetricsServer(allMetrics, { host: config.HOST, port: config.METRICS_PORT, tokens: config })
  if (metricsServer) log.info(`Metrics at ${metricsServer.url}`)

  const listenersWait = config.AUDIO_CACHE_ON_MISS === 'transcode'
  const spares = listenersWait ? new SpareEncoders(log) : undefined
  const heartbeat = new HeartbeatSender(connection, config.WORKER_CONCURRENCY, setDraining)
  const process = metrics.watch(heartbeat.watch(traceJobs(createProcessor({
    library, cache, producer, failedSources: new FailedSources(connection), space, usage, metrics, log, spares, shutdown: graceOver.signal
  }))))
  const slots = new TranscodeSlots({
    connection,
    name: heartbeat.id,
    concurrency: config.WORKER_CONCURRENCY,
    listenersWait,
    producer,
    process,
    metrics,
    onStalled: removeDeadPartsOnce,
    log
  })
  const maintenanceJobs = new Worker(
    MAINTENANCE_QUEUE,
    createMaintenance({ config, library, cache, producer, mixtapes, plays, space, usage, metrics, log, shutdown: stopping.signal }),
    { ...workerOptions, connection, concurrency: MAINTENANCE_CONCURRENCY }
  )
  logFailures(maintenanceJobs, log)

  preloadCapabilities().then(() => spares?.start()).catch(error => log.error(error, 'ffmpeg cannot be run'))
  migrateKeys(connection).catch(error => log.error(error, 'The Redis keys of version 0.7 are not renamed yet'))
  countCache().catch(error => { if (!stopping.signal.aborted) log.error(error, 'The files of the cache are not counted yet') })
  schedule().catch(error => log.error(error, 'Maintenance is not scheduled'))
  const stopWatching = config.MIXTAPES_DIR === undefined
    ? undefined
    : await watchMixtapesFolder(config.MIXTAPES_DIR, { mixtapes, maintenance, log })

  return {
    async close (graceMs) {
      stopping.abort()
      // Without Redis no job can go back to the queue. Another worker will find it stalled and run it again.
      const isRedisAway = connection.status !== 'ready'
      const timer = setTimeout(() => { graceOver.abort(new Error('The worker is shutting down')) }, isRedisAway ? 0 : graceMs)
      await Promise.all([slots.close(isRedisAway), maintenanceJobs.close(isRedisAway)])
      clearTimeout(timer)
      spares?.close()
      await heartbeat.stop(isRedisAway)
      await metricsServer?.close()
      if (!isRedisAway) await stopWatching?.()
      connection.disconnect() // commands that still wait for Redis fail
      await Promise.all([stopWatching?.(), producer.close(), maintenance.close(), mixtapes.close()])
      await stopTracing?.()
    }
  }

  function setDraining (on: boolean): void {
    log.info(on ? 'An operator drains this worker: it takes no more jobs' : 'This worker takes jobs again')
    slots.setDraining(on).catch(error => log.error(error))
    if (on) maintenanceJobs.pause(true).catch(error => log.error(error))
    else maintenanceJobs.resume()
  }

  /** Counts the files at each level once. From then on, what changes them corrects the numbers. */
  async function countCache (): Promise<void> {
    if (await usage.levels() === undefined) await space.recount(stopping.signal)
  }

  /** Commands would wait for a Redis that is away. */
  async function ping (): Promise<void> {
    if (connection.status !== 'ready') throw new Error('Redis is away')
    await connection.ping()
  }

  async function schedule (): Promise<void> {
    await maintenance.schedule('nightly', config.NIGHTLY_PRECACHE)
    await maintenance.schedule('warm', config.CACHE_WARM)
    await maintenance.run('warm')
  }

  /** A worker that died may leave many stalled jobs: one walk over the cache finds the parts of all. */
  function removeDeadPartsOnce (): void {
    removal ??= removeDeadParts().catch(error => log.error(error)).finally(() => { removal = undefined })
  }

  async function removeDeadParts (): Promise<void> {
    const removed = await clearDeadParts(cache.dir)
    if (removed) log.info(`Removed ${removed} parts of workers that died`)
  }
}
