import { mkdir } from 'node:fs/promises'
import { Worker } from 'bullmq'
import type { Logger } from 'pino'
import { AudioCache, Library } from '@mixtape/audio-cache'
import type { Config } from '@mixtape/config'
import {
  CacheUsage, FailedSources, Maintenance, MAINTENANCE_QUEUE, Mixtapes, Plays, QUEUE_NAME, TranscodeProducer, workerConnection,
  workerOptions
} from '@mixtape/transcode-queue'
import { ListenerSlot } from './listener-slot.ts'
import { createMaintenance } from './maintenance.ts'
import { watchMixtapesFolder } from './mixtapes-folder.ts'
import { createProcessor } from './processor.ts'
import { createRoom } from './room.ts'
import { askAbilities } from './transcode.ts'

export interface TranscodeWorker {
  /**
   * Takes no more jobs, and waits for those that run.
   *
   * @param graceMs after this many milliseconds running jobs are stopped and go back to the queue
   */
  close (graceMs: number): Promise<void>
}

/** Starts to take jobs, and to list those that nobody asked for. While Redis is away it waits. */
export async function startWorker (config: Config, log: Logger): Promise<TranscodeWorker> {
  const library = new Library(config.MUSIC_ROOT)
  const cache = new AudioCache(config.AUDIO_CACHE_DIR, library, config.AUDIO_CACHE_TRANSCODE_EXTENSIONS)
  const connection = workerConnection(config.REDIS_URL, log)
  const producer = new TranscodeProducer(connection)
  const maintenance = new Maintenance(connection)
  const mixtapes = new Mixtapes(connection)
  const plays = new Plays(connection)
  const usage = new CacheUsage(connection)
  const room = createRoom({ config, cache, usage, plays, mixtapes, redis: connection, log })
  const outOfTime = new AbortController()
  const stopping = new AbortController()

  await mkdir(config.AUDIO_CACHE_DIR, { recursive: true })
  await sweep()

  const listenersWait = config.AUDIO_CACHE_ON_MISS === 'transcode'
  const processor = createProcessor({
    library, cache, failedSources: new FailedSources(connection), room, usage, log, listenersWait, shutdown: outOfTime.signal
  })
  let running = 0
  // All three parameters, because BullMQ makes a signal only for those who name it.
  const transcodes = new Worker(QUEUE_NAME, async (job, token, lockLost) => {
    running++
    return await processor(job, token, lockLost).finally(() => { running-- })
  }, { ...workerOptions, connection, concurrency: config.WORKER_CONCURRENCY })
  const isNeeded = () => running >= config.WORKER_CONCURRENCY
  const listenerSlot = listenersWait ? new ListenerSlot(processor, { connection, producer, isNeeded }) : undefined
  const listings = new Worker(
    MAINTENANCE_QUEUE,
    createMaintenance({ config, library, cache, producer, mixtapes, plays, usage, log, shutdown: stopping.signal }),
    { ...workerOptions, connection }
  )
  for (const worker of [transcodes, listings, listenerSlot]) {
    if (!worker) continue
    worker.on('error', () => {}) // the connection's own listener has logged it
    worker.on('failed', (job, error) => {
      log.warn({ job: job?.data, attempts: job?.attemptsMade }, `${job?.name} failed: ${error.message}`)
    })
  }
  for (const worker of [transcodes, listenerSlot]) {
    // BullMQ itself only tells: a worker that was frozen would go on beside the one that has its job now.
    worker?.on('lockRenewalFailed', ids => { stopTaken(worker, ids).catch(error => log.error(error)) })
  }
  transcodes.on('stalled', () => { sweep().catch(error => log.error(error)) })

  askAbilities().catch(error => log.error(error, 'ffmpeg cannot be run'))
  setClock().catch(error => log.error(error, 'The nightly runs are not scheduled'))
  const stopWatching = config.MIXTAPES_DIR === undefined
    ? undefined
    : await watchMixtapesFolder(config.MIXTAPES_DIR, { mixtapes, maintenance, log })

  async function setClock (): Promise<void> {
    await maintenance.schedule('nightly', config.NIGHTLY_PRECACHE)
    await maintenance.schedule('warm', config.CACHE_WARM)
    await maintenance.run('warm')
  }

  /** Stops jobs that another has; one whose lock is merely gone, as after an outage of Redis, may have listeners. */
  async function stopTaken (worker: Worker, ids: string[]): Promise<void> {
    for (const id of ids) {
      if (await connection.exists(`${worker.toKey(id)}:lock`)) worker.cancelJob(id, 'Another worker has the job')
    }
  }

  async function sweep (): Promise<void> {
    const swept = await cache.sweepParts()
    if (swept) log.info(`Swept ${swept} parts of transcodes that were never finished`)
  }

  return {
    async close (graceMs) {
      stopping.abort()
      // Without Redis no job can be handed back: it runs again when another worker finds it stalled.
      const away = connection.status !== 'ready'
      const timer = setTimeout(() => { outOfTime.abort(new Error('The worker is shutting down')) }, away ? 0 : graceMs)
      await Promise.all([transcodes.close(away), listings.close(away), listenerSlot?.close(away)])
      clearTimeout(timer)
      if (!away) await stopWatching?.()
      connection.disconnect() // fails whatever still waits for Redis
      await Promise.all([stopWatching?.(), producer.close(), maintenance.close(), mixtapes.close()])
    }
  }
}
