import fp from 'fastify-plugin'
import { CacheUsage, HitRates, Plays } from '@mixtape/statistics'

declare module 'fastify' {
  interface FastifyInstance {
    statistics: { plays: Plays, hitRates: HitRates, cacheUsage: CacheUsage }
  }
}

export const statisticsPlugin = fp(async app => {
  app.decorate('statistics', {
    plays: new Plays(app.redis), hitRates: new HitRates(app.redis), cacheUsage: new CacheUsage(app.redis)
  })
}, { name: 'statistics', dependencies: ['redis'] })
