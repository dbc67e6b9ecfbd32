import fp from 'fastify-plugin'
import { MaintenanceQueue, MixtapeRegistry } from '@mixtape/mixtapes'

declare module 'fastify' {
  interface FastifyInstance {
    mixtapes: MixtapeRegistry
    maintenance: MaintenanceQueue
  }
}

export const mixtapesPlugin = fp(async app => {
  const registry = new MixtapeRegistry(app.redis)
  const maintenance = new MaintenanceQueue(app.redis)
  app.decorate('mixtapes', registry)
  app.decorate('maintenance', maintenance)
  app.addHook('onClose', async () => { await Promise.all([registry.close(), maintenance.close()]) })
}, { name: 'mixtapes', dependencies: ['redis'] })
