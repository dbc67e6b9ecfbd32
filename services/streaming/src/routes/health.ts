import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { publicHealthSchema } from '../schemas/health.ts'

/** GET /health/live: does the process run? GET /health, /health/ready: can it serve, and what is wrong? */
export const healthRoutes: FastifyPluginAsyncTypebox = async function (app) {
  app.get('/health/live', {
    schema: {
      tags: ['health'],
      summary: 'Whether the process runs',
      response: { 200: Type.Object({ status: Type.Literal('ok') }, { examples: [{ status: 'ok' }] }) }
    }
  }, async () => ({ status: 'ok' as const }))

  for (const url of ['/health', '/health/ready']) {
    app.get(url, {
      schema: {
        tags: ['health'],
        summary: 'Whether it can serve, and what is wrong, in words',
        description: 'GET /admin/overview also names the hosts and folders that a problem is about.',
        response: {
          200: publicHealthSchema('It can serve', {
            status: 'degraded', problems: [{ code: 'no_worker', message: 'No worker is there: nothing is transcoded until one is started.' }]
          }),
          503: publicHealthSchema('Nothing can be played, or the replica is about to stop', {
            status: 'unavailable', problems: [{ code: 'library_gone', message: 'MUSIC_ROOT is empty, and was not before: nothing can be played. Mount its disk.' }]
          })
        }
      }
    }, async (request, reply) => {
      const report = await app.health.report()
      reply.code(report.status === 'unavailable' ? 503 : 200)
      return report
    })
  }
}
