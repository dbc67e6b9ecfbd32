import fp from 'fastify-plugin'
import { Health } from '../health/health.ts'

declare module 'fastify' {
  interface FastifyInstance {
    health: Health
  }
}

export const healthPlugin = fp(async app => {
  app.decorate('health', new Health(app))
}, { name: 'health', dependencies: ['audio-files', 'transcode-queue', 'statistics'] })
