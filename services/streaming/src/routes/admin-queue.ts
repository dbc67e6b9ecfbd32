import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { queueOverview, workersOverview } from '../overview/queue.ts'
import { adminErrors, errors } from '../schemas/errors.ts'
import { messageSchema } from '../schemas/message.ts'
import { queueSchema, workersSchema } from '../schemas/queue.ts'

const pausedSchema = (paused: boolean) => ({
  response: { 200: Type.Object({ paused: Type.Boolean() }, { examples: [{ paused }] }), ...adminErrors, ...errors(503) }
})

/** /admin/queue: what waits and runs; pause and resume. /admin/workers: who runs it; drain and resume. */
export const adminQueueRoutes: FastifyPluginAsyncTypebox = async function (app) {
  app.addHook('onRequest', app.requireAdmin)
  app.addHook('preHandler', app.requireRedis)

  app.get('/admin/queue', {
    schema: {
      tags: ['queue'],
      summary: 'What waits by lane, and what runs',
      response: { 200: queueSchema, ...adminErrors, ...errors(503) }
    }
  }, async () => await queueOverview(app))

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
  }, async () => await workersOverview(app))

  for (const action of ['drain', 'resume'] as const) {
    app.post(`/admin/workers/:id/${action}`, {
      schema: {
        tags: ['queue'],
        summary: action === 'drain' ? 'Drain a worker: it finishes what it runs, and takes no more jobs' : 'Let a drained worker take jobs again',
        description: 'The worker hears of it within five seconds.',
        params: Type.Object({ id: Type.String({ maxLength: 300, description: 'As in GET /admin/workers', examples: ['host-4711-a1b2'] }) }),
        response: { 202: messageSchema('The worker hears of it within five seconds'), ...adminErrors, ...errors(404, 503) }
      }
    }, async (request, reply) => {
      const { id } = request.params
      if (!await app.workers.setDraining(id, action === 'drain')) throw app.httpErrors.notFound(`No such worker: ${id}`)
      request.log.info(`Worker ${id}: ${action}`)
      reply.code(202)
      return { message: 'The worker hears of it within five seconds' }
    })
  }
}
