import { setTimeout } from 'node:timers/promises'
import { WaitingError, type Job } from 'bullmq'
import type { Logger } from 'pino'
import type { AudioCache } from '@mixtape/audio-cache'
import { clearCache, removeOrphans } from '@mixtape/audio-cache/upkeep'
import type { Config } from '@mixtape/config'
import type { Library } from '@mixtape/library'
import { precache } from '@mixtape/mixtape-cache'
import type { MaintenanceData, MaintenanceJob, MixtapeRegistry } from '@mixtape/mixtapes'
import type { TranscodeQuality } from '@mixtape/mp3'
import type { CacheUsage, Plays } from '@mixtape/statistics'
import type { TranscodeJob, TranscodeProducer } from '@mixtape/transcode-queue'
import type { WorkerMetrics } from './metrics.ts'
import type { SpaceReservation } from './space-reservation.ts'

/** Most jobs of one priority that may wait in Redis, so that a large library does not fill its memory. */
const MAX_WAITING = 1000

/** Tracks that are precached between two checks of MAX_WAITING. */
const BATCH_SIZE = 100

const DAY_MS = 24 * 3600 * 1000

/** Qualities at which the most popular tracks are kept in the cache. */
const WARM_QUALITIES: TranscodeQuality[] = ['medium', 'high']

export interface MaintenanceOptions {
  config: Config
  library: Library
  cache: AudioCache
  producer: TranscodeProducer
  mixtapes: MixtapeRegistry
  plays: Plays
  space: SpaceReservation
  usage: CacheUsage
  metrics: WorkerMetrics
  log: Logger
  /** Aborted when the worker stops. A running job goes back to the queue and starts again on another worker. */
  shutdown: AbortSignal
}

/** Makes the processor of the maintenance queue. A job may run twice: the second run finds less to do. */
export function createMaintenance (options: MaintenanceOptions) {
  const { config, library, cache, mixtapes, plays, producer, space, usage, metrics, log, shutdown } = options
  const qualities = config.AUDIO_CACHE_PRECACHE_QUALITIES

  return async function process (job: Job<MaintenanceData, void, MaintenanceJob>, token?: string): Promise<void> {
    if (!config.AUDIO_CACHE_ENABLED) return
    try {
      if (job.name === 'nightly') {
        await removeOldFiles()
        await enqueueAll(allTracks(), qualities, 'nightly')
      }
      if (job.name === 'warm') await enqueueAll(await plays.popular(config.POPULAR_TRACKS), WARM_QUALITIES, 'warm')
      const wanted = job.data.qualities ?? qualities
      if (job.name === 'mixtape') await enqueueAll((await mixtapes.get(job.data.slug ?? ''))?.tracks ?? [], wanted, 'mixtape')
      if (job.name === 'folder') await enqueueAll(tracksBelow(job.data.path ?? ''), wanted, 'mixtape')
    } catch (error) {
      if (!shutdown.aborted) throw error
      await job.moveToWait(token)
      throw new WaitingError()
    }
  }

  /**
   * Deletes files that are older than AUDIO_CACHE_MAX_AGE_DAYS, and orphans. Enqueues some of the files that an older
   * pipeline made. Then corrects the size in Redis.
   */
  async function removeOldFiles (): Promise<void> {
    if (config.AUDIO_CACHE_MAX_AGE_DAYS !== undefined) {
      const olderThanMs = config.AUDIO_CACHE_MAX_AGE_DAYS * DAY_MS
      const old = await clearCache(cache.dir, { olderThanMs }, paths => plays.forget(paths))
      await usage.countRemoved('age', old.files)
      metrics.evicted('age', old)
      log.info({ files: old.files, bytes: old.bytes }, 'Removed files that are too old')
    }
    try {
      const { orphans, bytes, parts, foreign, outdated } = await removeOrphans(cache.dir, library, paths => plays.forget(paths))
      await usage.countRemoved('orphan', orphans)
      metrics.evicted('orphan', { files: orphans, bytes })
      log.info({ orphans, bytes, parts, foreign }, 'Removed orphans')
      for (const track of outdated) await producer.enqueue({ ...track, reason: 'nightly' })
      if (outdated.length > 0) log.info({ enqueued: outdated.length }, 'Enqueued files that an older version made')
    } catch (error) {
      log.error(`Orphans were not removed: ${(error as Error).message}`)
    }
    await space.recount(shutdown)
  }

  async function * allTracks (): AsyncGenerator<string> {
    for await (const { tracks } of mixtapes.all()) yield * tracks
  }

  /** @param path of a folder or a track */
  async function * tracksBelow (path: string, visited = new Set<string>()): AsyncGenerator<string> {
    const folder = await library.list(path)
    if (!folder) return yield path
    if (visited.has(folder.realPath)) return // a link leads back to a folder above it
    visited.add(folder.realPath)
    const prefix = path ? `${path}/` : ''
    for (const name of folder.tracks) yield prefix + name
    for (const name of folder.folders) yield * tracksBelow(prefix + name, visited)
  }

  async function enqueueAll (
    paths: AsyncIterable<string> | Iterable<string>, qualities: TranscodeQuality[], reason: TranscodeJob['reason']
  ): Promise<void> {
    let enqueued = 0
    let batch: string[] = []
    const enqueueBatch = async () => {
      while (await producer.countWaiting(reason) >= MAX_WAITING) await setTimeout(1000, undefined, { signal: shutdown })
      shutdown.throwIfAborted()
      enqueued += (await precache(options, { paths: batch, qualities, reason })).enqueued
      batch = []
    }
    for await (const path of paths) {
      batch.push(path)
      if (batch.length === BATCH_SIZE) await enqueueBatch()
    }
    await enqueueBatch()
    log.info({ reason, enqueued }, 'Enqueued missing transcodes')
  }
}
