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

const pausedSchema = { response: { 200: Type.Object({ paused: Type.Boolean() }), ...adminErrors, ...errors(503) } }

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
    schema: { tags: ['queue'], summary: 'Pause: workers finish what they run, and take no more jobs', ...pausedSchema }
  }, async request => {
    await app.queueMonitor.pause()
    request.log.info('The queue is paused')
    return { paused: true }
  })

  app.post('/admin/queue/resume', {
    schema: { tags: ['queue'], summary: 'Let workers take jobs again', ...pausedSchema }
  }, async request => {
    await app.queueMonitor.resume()
    request.log.info('The queue is resumed')
    return { paused: false }
  })

  app.get('/admin/workers', {
    schema: {
      tags: ['queue'],
      summary: 'The workers of the last minute, and what they do',
      response: { 200: Type.Object({ workers: Type.Array(workerSchema) }), ...adminErrors, ...errors(503) }
    }
  }, async () => ({
    workers: (await app.workers.all()).map(({ startedAt, lastHeardOf, isAlive, ...worker }) => ({
      ...worker, started_at: isoTime(startedAt), last_heard_of: isoTime(lastHeardOf), alive: isAlive
    }))
  }))
}
