import { Type } from 'typebox'
import { transcodeQualities } from '@mixtape/mp3'
import { lanes, type TranscodeJob } from '@mixtape/transcode-queue'
import { nullable } from './nullable.ts'
import { record } from './record.ts'

/** A time, as all routes give it. */
export const time = Type.String({ description: 'ISO 8601', examples: ['2026-11-25T17:00:00.000Z'] })
export const timeOrNull = nullable(time)

export const lane = Type.String({
  enum: lanes, description: 'Jobs run in the order of the lanes: miss, mixtape, warm, nightly'
})

/** Fields of every job in an answer. */
export const jobFields = {
  path: Type.String({ description: 'Of the track, relative to the library' }),
  quality: Type.String({ enum: transcodeQualities }),
  reason: Type.String({ enum: lanes, description: 'Why it was enqueued' })
}

export const percent = Type.Number({ minimum: 0, maximum: 100 })

const waiting = Type.Object({
  jobs: Type.Integer(),
  next_since: nullable(Type.String({ description: 'When the job was enqueued that runs next in this lane' }))
})

const runningJob = Type.Object({
  ...jobFields,
  percent,
  started_at: time,
  attempt: Type.Integer({ minimum: 1 }),
  worker: nullable(Type.String({ description: 'Its id, as in GET /admin/workers' })),
  duration: nullable(Type.Number({ description: 'Seconds of the track; null where its header does not state them' })),
  speed: nullable(Type.Number({ description: 'Seconds of audio that were encoded for each second since its start' }))
})

/** The body of GET /admin/queue. */
export const queueSchema = Type.Object({
  paused: Type.Boolean(),
  waiting: record(lanes, waiting),
  delayed: Type.Integer({ description: 'Jobs that wait for their next attempt, or for space' }),
  failed: Type.Integer({ description: 'Failed jobs, as in GET /admin/failed' }),
  running: Type.Array(runningJob)
}, {
  examples: [{
    paused: false,
    waiting: {
      miss: { jobs: 1, next_since: '2026-11-25T17:00:00.000Z' },
      mixtape: { jobs: 0, next_since: null },
      warm: { jobs: 0, next_since: null },
      nightly: { jobs: 12, next_since: '2026-11-25T03:00:00.000Z' }
    },
    delayed: 0,
    failed: 0,
    running: [{
      path: 'jazz/so-what.flac', quality: 'low', reason: 'miss', percent: 40, started_at: '2026-11-25T17:00:00.000Z', attempt: 1, worker: 'host-4711-a1b2', duration: 545, speed: 38
    }]
  }]
})

const workerSchema = Type.Object({
  id: Type.String(),
  host: Type.String(),
  pid: Type.Integer(),
  version: Type.String(),
  concurrency: Type.Integer({ description: 'Jobs that it runs at a time, without the slot for listeners' }),
  started_at: time,
  last_heard_of: time,
  alive: Type.Boolean({ description: 'Whether it was heard of within 15 seconds' }),
  running: Type.Array(Type.Object({ path: Type.String(), quality: Type.String() })),
  draining: Type.Boolean({ description: 'It takes no more jobs' })
})

/** The body of GET /admin/workers. */
export const workersSchema = Type.Object({ workers: Type.Array(workerSchema) }, {
  examples: [{
    workers: [{
      id: 'host-4711-a1b2',
      host: 'host',
      pid: 4711,
      version: '0.8.0',
      concurrency: 4,
      started_at: '2026-11-25T03:00:00.000Z',
      last_heard_of: '2026-11-25T17:00:00.000Z',
      alive: true,
      running: [{ path: 'jazz/so-what.flac', quality: 'low' }],
      draining: false
    }]
  }]
})

/** @returns an ISO time; null for undefined */
export function isoTime (ms: number): string
export function isoTime (ms: number | undefined): string | null
export function isoTime (ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}

/** @returns the fields of every job in an answer */
export function jobOf ({ path, quality, reason }: TranscodeJob) {
  return { path, quality, reason }
}
