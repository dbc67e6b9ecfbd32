import { setTimeout } from 'node:timers/promises'
import { WaitingError, type Job } from 'bullmq'
import type { Logger } from 'pino'
import type { AudioCache, Library, TranscodeQuality } from '@mixtape/audio-cache'
import type { Config } from '@mixtape/config'
import {
  precache, type CacheUsage, type MaintenanceData, type MaintenanceJob, type Mixtapes, type Plays, type TranscodeJob,
  type TranscodeProducer
} from '@mixtape/transcode-queue'

/** Jobs of one lane that may wait in Redis at once: a library of any size is listed as fast as it is worked off. */
const MAX_WAITING = 1000
/** Tracks between two looks at how many wait. */
const BATCH = 100

const DAY_MS = 24 * 3600 * 1000

const WARM_QUALITIES: TranscodeQuality[] = ['medium', 'high']

export interface MaintenanceOptions {
  config: Config
  library: Library
  cache: AudioCache
  producer: TranscodeProducer
  mixtapes: Mixtapes
  plays: Plays
  usage: CacheUsage
  log: Logger
  /** Aborted when the worker stops: a run goes back to the queue, and begins anew elsewhere. */
  shutdown: AbortSignal
}

/** Lists the work that nobody waits for. Running it twice finds less to do, so it may. */
export function createMaintenance (options: MaintenanceOptions) {
  const { config, cache, mixtapes, plays, producer, usage, log, shutdown } = options
  const qualities = config.AUDIO_CACHE_PRECACHE_QUALITIES as TranscodeQuality[]

  return async function process (job: Job<MaintenanceData, void, MaintenanceJob>, token?: string): Promise<void> {
    if (!config.AUDIO_CACHE_ENABLED) return
    try {
      if (job.name === 'nightly') {
        await sweep()
        await list(allTracks(), qualities, 'nightly')
      }
      if (job.name === 'warm') await list(await plays.popular(config.POPULAR_TRACKS), WARM_QUALITIES, 'warm')
      if (job.name === 'mixtape') await list((await mixtapes.get(job.data.slug ?? ''))?.tracks ?? [], qualities, 'mixtape')
    } catch (error) {
      if (!shutdown.aborted) throw error
      await job.moveToWait(token)
      throw new WaitingError()
    }
  }

  /** What is too old goes, and what no source stands behind; then the bytes are counted anew. */
  async function sweep (): Promise<void> {
    if (config.AUDIO_CACHE_MAX_AGE_DAYS !== undefined) {
      const old = await cache.clear({ olderThanMs: config.AUDIO_CACHE_MAX_AGE_DAYS * DAY_MS })
      await usage.evicted('age', old.files)
      log.info({ files: old.files, bytes: old.bytes }, 'Removed what was too old')
    }
    try {
      const { orphans, bytes, parts, foreign, paths } = await cache.sweepOrphans()
      await usage.evicted('orphan', orphans)
      await plays.forget(paths)
      log.info({ orphans, bytes, parts, foreign }, 'Swept')
    } catch (error) {
      log.error(`Not swept: ${(error as Error).message}`)
    }
    await usage.set((await cache.stats()).bytes)
  }

  async function * allTracks (): AsyncGenerator<string> {
    for await (const { tracks } of mixtapes.all()) yield * tracks
  }

  async function list (
    paths: AsyncIterable<string> | Iterable<string>, qualities: TranscodeQuality[], reason: TranscodeJob['reason']
  ): Promise<void> {
    let enqueued = 0
    let batch: string[] = []
    const flush = async () => {
      while (await producer.waiting(reason) >= MAX_WAITING) await setTimeout(1000, undefined, { signal: shutdown })
      shutdown.throwIfAborted()
      enqueued += (await precache(options, { paths: batch, qualities, reason })).enqueued
      batch = []
    }
    for await (const path of paths) {
      batch.push(path)
      if (batch.length === BATCH) await flush()
    }
    await flush()
    log.info({ reason, enqueued }, 'Listed what is to be transcoded')
  }
}
