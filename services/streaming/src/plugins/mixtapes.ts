import fp from 'fastify-plugin'
import { MixtapeRegistry } from '@mixtape/mixtapes'

declare module 'fastify' {
  interface FastifyInstance {
    mixtapes: MixtapeRegistry
  }
}

export const mixtapesPlugin = fp(async app => {
  const registry = new MixtapeRegistry(app.redis)
  app.decorate('mixtapes', registry)
  app.addHook('onClose', async () => { await registry.close() })
}, { name: 'mixtapes', dependencies: ['redis'] })
