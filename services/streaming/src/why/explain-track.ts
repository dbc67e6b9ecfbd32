import type { FastifyInstance } from 'fastify'
import { inspectCached, type InspectedFile } from '@mixtape/audio-cache'
import type { Track } from '@mixtape/library'
import { transcodeQualities, type TranscodeQuality } from '@mixtape/mp3'
import type { TrackJob } from '@mixtape/transcode-queue'
import { isoTime } from '../schemas/queue.ts'
import { evictionRule } from './eviction.ts'
import { readRedisFacts, type RedisFacts } from './redis-facts.ts'
import { stateOf } from './state.ts'

/** What is known about one track at one quality. */
export interface Facts {
  track: Track | undefined
  quality: TranscodeQuality
  files: InspectedFile[]
  redis: RedisFacts
  job: TrackJob | undefined
}

/** @returns the body of GET /admin/tracks/<path>: the state of a track at each quality, and why it is so */
export async function explainTrack (app: FastifyInstance, path: string) {
  const redis = await readRedisFacts(app, path)
  const track = await app.library.open(path)
  try {
    const entries = await Promise.all(transcodeQualities.map(async quality => {
      const files = await inspectCached(app.audioCache, path, track, quality)
      const facts: Facts = { track, quality, files, redis, job: redis.jobs[quality] }
      const hit = files.find(({ verdict }) => verdict === 'hit')
      return [quality, {
        ...stateOf(app, facts),
        cached: hit === undefined ? null : await describeHit(app, hit, redis),
        job: describeJob(facts.job)
      }] as const
    }))
    return {
      path,
      source: track === undefined
        ? null
        : { size_bytes: track.size, modified: isoTime(Number(track.mtimeNs / 1_000_000n)), version: track.version },
      mixtapes: redis.mixtapes,
      redis: redis.isReachable,
      qualities: Object.fromEntries(entries) as Record<TranscodeQuality, typeof entries[number][1]>
    }
  } finally {
    await track?.close()
  }
}

async function describeHit (app: FastifyInstance, file: InspectedFile, { mixtapes, isReachable }: RedisFacts) {
  const [lastPlayed] = await app.statistics.plays.lastPlayed([file.path]).catch(() => [undefined])
  return {
    path: file.path,
    size_bytes: file.size,
    cached_at: isoTime(file.cachedAt),
    made_from: file.madeFrom ?? null,
    last_played: isoTime(lastPlayed),
    eviction: evictionRule(app, file, lastPlayed, isReachable ? mixtapes.length > 0 : undefined)
  }
}

function describeJob (job: TrackJob | undefined) {
  if (!job) return null
  return {
    state: job.state,
    lane: job.lane,
    place: job.state === 'waiting' ? job.place : null,
    since: isoTime(job.state === 'running' ? job.startedAt : job.since),
    percent: job.state === 'running' ? job.percent : null,
    worker: job.state === 'running' ? job.worker ?? null : null,
    next_attempt: job.state === 'delayed' ? isoTime(job.nextAttemptAt) : null
  }
}
