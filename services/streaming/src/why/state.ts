import type { FastifyInstance } from 'fastify'
import { extension } from '@mixtape/track-paths'
import type { Lane, TrackJob } from '@mixtape/transcode-queue'
import { count } from '../count.ts'
import type { Facts } from './explain-track.ts'

/** All states of a track at one quality. */
export const STATES = [
  'cached', 'waiting', 'delayed', 'no_room', 'running', 'failed', 'absent', 'unknown', 'not_transcodable', 'disabled', 'missing'
] as const

interface State {
  state: typeof STATES[number]
  why: string
  /** What a listener would get now. */
  served: string
}

/** Whose jobs wait in a lane. */
const OWNERS: Record<Lane, string> = { miss: 'of listeners', mixtape: 'of mixtapes', warm: 'of popular tracks', nightly: 'of the nightly run' }

const ORIGINAL = 'The original'
const ORIGINAL_AND_ENQUEUED = 'The original; the play enqueues the MP3'

/** Says in which state a track is at one quality, why, and what a listener would get. */
export function stateOf (app: FastifyInstance, facts: Facts): State {
  const { track, files, redis, job } = facts
  if (!track) return gone(facts)
  if (!app.audioCache.shouldTranscode(track.path)) {
    const extensions = app.config.AUDIO_CACHE_TRANSCODE_EXTENSIONS.join(', ')
    const why = `${extension(track.path)} files are served unchanged: only ${extensions} are transcoded (AUDIO_CACHE_TRANSCODE_EXTENSIONS).`
    return { state: 'not_transcodable', why, served: ORIGINAL }
  }
  if (!app.config.AUDIO_CACHE_ENABLED) {
    return { state: 'disabled', why: 'Caching is disabled (AUDIO_CACHE_ENABLED=false).', served: ORIGINAL }
  }
  const hit = files.find(({ verdict }) => verdict === 'hit')
  if (hit) {
    const why = hit.madeFrom
      ? 'The cached MP3 was made from the present version of the source.'
      : 'Another tool made the cached MP3, and it is not older than the source.'
    return { state: 'cached', why, served: 'The cached MP3' }
  }
  if (!redis.isReachable) {
    return { state: 'unknown', why: 'It is not cached, and the queue (Redis) is not reachable.', served: ORIGINAL }
  }
  return job ? enqueued(app, facts, job) : failed(app, facts, track.version) ?? absent(app, facts)
}

function gone ({ files }: Facts): State {
  const orphans = files.filter(({ verdict }) => verdict === 'source-gone').map(({ path }) => path)
  const why = 'The library has no such track.' +
    (orphans.length > 0 ? ` The nightly run deletes what was made from it: ${orphans.join(', ')}.` : '')
  return { state: 'missing', why, served: 'Nothing: 404' }
}

function enqueued (app: FastifyInstance, { redis }: Facts, job: TrackJob): State {
  const isLive = app.liveTranscodes !== undefined
  if (job.state === 'running') {
    const why = `A worker makes it: ${job.percent} % are done, in attempt ${job.attempt}.`
    return { state: 'running', why, served: isLive && job.attempt === 1 ? 'The MP3 while it is made' : ORIGINAL }
  }
  if (job.state === 'waiting') {
    const why = `Its job waits among those ${OWNERS[job.lane]}, at place ${job.place} of the queue${obstacle(redis)}.`
    return { state: 'waiting', why, served: missed(app) }
  }
  const next = `The next attempt is at ${new Date(job.nextAttemptAt).toISOString()}.`
  if (job.attemptsMade === 0 && redis.fullReason) {
    return { state: 'no_room', why: `There is no room: ${redis.fullReason}. ${next}`, served: ORIGINAL }
  }
  const why = job.attemptsMade === 0
    ? `Another worker writes it, or there was no room. ${next}`
    : `Attempt ${job.attemptsMade} failed: ${job.lastError ?? 'its worker died'}. ${next}`
  return { state: 'delayed', why, served: ORIGINAL }
}

function failed (app: FastifyInstance, { redis, quality }: Facts, version: string): State | undefined {
  const { failedSource, failedJobs } = redis
  if (failedSource?.version === version) {
    const since = failedSource.since === undefined ? '' : ` since ${new Date(failedSource.since).toISOString()}`
    const why = `The source cannot be transcoded${since}: ${failedSource.reason}. It is tried again when the file changes, or when an operator retries it.`
    return { state: 'failed', why, served: ORIGINAL }
  }
  const job = failedJobs.find(job => job.quality === quality)
  if (!job) return undefined
  const why = `Its job failed at ${new Date(job.failedAt).toISOString()}, after ${count(job.attempts, 'attempt')}: ${job.error}. The next play enqueues it again, and so does an operator who retries it.`
  return { state: 'failed', why, served: missed(app) }
}

function absent (app: FastifyInstance, { files, redis }: Facts): State {
  const reasons = {
    hit: '',
    'source-gone': '',
    'other-source': 'it was made from another source of the same name',
    'source-changed': 'the source has changed since',
    'older-pipeline': 'an older version of this project made it',
    'wrong-size': 'it does not have the size that it should have',
    'not-trusted': 'another tool made it before the source changed, or there are several possible sources'
  }
  const stale = files.map(({ path, verdict }) => `${path} is not used: ${reasons[verdict]}.`)
  const why = [...stale, `It is not made, and not enqueued${obstacle(redis)}.`].join(' ')
  return { state: 'absent', why, served: missed(app) }
}

/** Why jobs do not run now. */
function obstacle ({ isPaused, hasWorker }: Facts['redis']): string {
  if (isPaused) return '; the queue is paused'
  return hasWorker ? '' : '; no worker was heard of'
}

function missed (app: FastifyInstance): string {
  return app.liveTranscodes === undefined
    ? ORIGINAL_AND_ENQUEUED
    : `The MP3 while it is made, where a worker starts within ${app.config.AUDIO_CACHE_LIVE_WAIT} s; the original otherwise`
}
