import fp from 'fastify-plugin'
import { MixtapeRegistry, type Mixtape } from '@mixtape/mixtapes'

declare module 'fastify' {
  interface FastifyInstance {
    mixtapes: MixtapeRegistry
    /** @throws 404 */
    findMixtape (slug: string): Promise<Mixtape>
  }
}

export const mixtapesPlugin = fp(async app => {
  const registry = new MixtapeRegistry(app.redis)
  app.decorate('mixtapes', registry)
  app.decorate('findMixtape', async (slug: string) => {
    const mixtape = await registry.get(slug)
    if (!mixtape) throw app.httpErrors.notFound('No such mixtape')
    return mixtape
  })
  app.addHook('onClose', async () => { await registry.close() })
}, { name: 'mixtapes', dependencies: ['redis'] })
