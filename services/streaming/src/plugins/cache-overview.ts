import fp from 'fastify-plugin'
import { CacheOverview } from '../overview/cache-overview.ts'

declare module 'fastify' {
  interface FastifyInstance {
    cacheOverview: CacheOverview
  }
}

export const cacheOverviewPlugin = fp(async app => {
  app.decorate('cacheOverview', new CacheOverview(app))
}, { name: 'cache-overview', dependencies: ['audio-files', 'mixtapes', 'play-counts'] })
