import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { lanes } from '@mixtape/transcode-queue'
import { adminErrors, errors } from '../schemas/errors.ts'
import { isoTime, jobFields, jobOf, percent, time } from '../schemas/queue.ts'

const waiting = Type.Object({
  jobs: Type.Integer(),
  next_since: Type.Union([time, Type.Null()], { description: 'When the job was enqueued that runs next in this lane' })
})

const runningJob = Type.Object({
  ...jobFields,
  percent,
  started_at: time,
  attempt: Type.Integer({ minimum: 1 }),
  worker: Type.Union([Type.String(), Type.Null()], { description: 'Its id, as in GET /admin/workers' })
})

const queueSchema = Type.Object({
  paused: Type.Boolean(),
  waiting: Type.Object(Object.fromEntries(lanes.map(lane => [lane, waiting]))),
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
      path: 'jazz/so-what.flac', quality: 'low', reason: 'miss', percent: 40, started_at: '2026-11-25T17:00:00.000Z', attempt: 1, worker: 'host-4711-a1b2'
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
  running: Type.Array(Type.Object({ path: Type.String(), quality: Type.String() }))
})

const workersSchema = Type.Object({ workers: Type.Array(workerSchema) }, {
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
      running: [{ path: 'jazz/so-what.flac', quality: 'low' }]
    }]
  }]
})

const pausedSchema = (paused: boolean) => ({
  response: { 200: Type.Object({ paused: Type.Boolean() }, { examples: [{ paused }] }), ...adminErrors, ...errors(503) }
})

/** /admin/queue: what waits and runs; pause and resume. /admin/workers: who runs it. */
export const adminQueueRoutes: FastifyPluginAsyncTypebox = async function (app) {
  app.addHook('onRequest', app.requireAdmin)
  app.addHook('preHandler', app.requireRedis)

  app.get('/admin/queue', {
    schema: {
      tags: ['queue'],
      summary: 'What waits by lane, and what runs',
      response: { 200: queueSchema, ...adminErrors, ...errors(503) }
    }
  }, async () => {
    const [state, running] = await Promise.all([app.queueMonitor.state(), app.queueMonitor.running()])
    return {
      paused: state.isPaused,
      waiting: Object.fromEntries(lanes.map(lane => {
        const { jobs, nextSince } = state.waiting[lane]
        return [lane, { jobs, next_since: isoTime(nextSince) }]
      })),
      delayed: state.delayed,
      failed: state.failed,
      running: running.map(job => ({
        ...jobOf(job),
        percent: job.percent,
        started_at: isoTime(job.startedAt),
        attempt: job.attempt,
        worker: job.worker ?? null
      }))
    }
  })

  app.post('/admin/queue/pause', {
    schema: { tags: ['queue'], summary: 'Pause: workers finish what they run, and take no more jobs', ...pausedSchema(true) }
  }, async request => {
    await app.queueMonitor.pause()
    request.log.info('The queue is paused')
    return { paused: true }
  })

  app.post('/admin/queue/resume', {
    schema: { tags: ['queue'], summary: 'Let workers take jobs again', ...pausedSchema(false) }
  }, async request => {
    await app.queueMonitor.resume()
    request.log.info('The queue is resumed')
    return { paused: false }
  })

  app.get('/admin/workers', {
    schema: {
      tags: ['queue'],
      summary: 'The workers of the last minute, and what they do',
      response: { 200: workersSchema, ...adminErrors, ...errors(503) }
    }
  }, async () => ({
    workers: (await app.workers.all()).map(({ startedAt, lastHeardOf, isAlive, ...worker }) => ({
      ...worker, started_at: isoTime(startedAt), last_heard_of: isoTime(lastHeardOf), alive: isAlive
    }))
  }))
}
