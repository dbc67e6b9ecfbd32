import fp from 'fastify-plugin'
import { MaintenanceQueue, MixtapeRegistry, type Mixtape } from '@mixtape/mixtapes'

declare module 'fastify' {
  interface FastifyInstance {
    mixtapes: MixtapeRegistry
    /** @throws 404 */
    findMixtape (slug: string): Promise<Mixtape>
    maintenance: MaintenanceQueue
  }
}

export const mixtapesPlugin = fp(async app => {
  const registry = new MixtapeRegistry(app.redis)
  const maintenance = new MaintenanceQueue(app.redis)
  app.decorate('mixtapes', registry)
  app.decorate('maintenance', maintenance)
  app.decorate('findMixtape', async (slug: string) => {
    const mixtape = await registry.get(slug)
    if (!mixtape) throw app.httpErrors.notFound('No such mixtape')
    return mixtape
  })
  app.addHook('onClose', async () => { await Promise.all([registry.close(), maintenance.close()]) })
}, { name: 'mixtapes', dependencies: ['redis'] })
