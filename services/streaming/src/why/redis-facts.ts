import type { FastifyInstance } from 'fastify'
import { transcodeQualities, type TranscodeQuality } from '@mixtape/mp3'
import type { FailedSource, TrackJob } from '@mixtape/transcode-queue'

/** What Redis knows about one track. */
export interface RedisFacts {
  isReachable: boolean
  jobs: Partial<Record<TranscodeQuality, TrackJob | undefined>>
  failedSource: FailedSource | undefined
  /** Failed jobs, the latest first. */
  failedJobs: { quality: TranscodeQuality, error: string, failedAt: number, attempts: number }[]
  /** Slugs of the mixtapes that have the track. */
  mixtapes: string[]
  isPaused: boolean
  /** Why jobs wait for space; undefined where none do. */
  fullReason: string | undefined
  hasWorker: boolean
}

const UNREACHABLE: RedisFacts = {
  isReachable: false,
  jobs: {},
  failedSource: undefined,
  failedJobs: [],
  mixtapes: [],
  isPaused: false,
  fullReason: undefined,
  hasWorker: false
}

export async function readRedisFacts (app: FastifyInstance, path: string): Promise<RedisFacts> {
  try {
    const [jobs, failedSource, failedJobs, mixtapes, { isPaused }, fullReason, workers] = await Promise.all([
      Promise.all(transcodeQualities.map(async quality => [quality, await app.queueMonitor.job({ path, quality })])),
      app.failures.source(path),
      app.failures.jobs({ path }),
      mixtapesWith(app, path),
      app.queueMonitor.state(),
      app.statistics.cacheUsage.fullReason(),
      app.workers.all()
    ])
    return {
      isReachable: true,
      jobs: Object.fromEntries(jobs),
      failedSource,
      failedJobs,
      mixtapes,
      isPaused,
      fullReason,
      hasWorker: workers.some(({ isAlive }) => isAlive)
    }
  } catch (error) {
    app.log.debug(error, 'The queue was not read')
    return UNREACHABLE
  }
}

async function mixtapesWith (app: FastifyInstance, path: string): Promise<string[]> {
  const slugs = []
  for await (const { slug, tracks } of app.mixtapes.all()) if (tracks.includes(path)) slugs.push(slug)
  return slugs.sort()
}
