import fp from 'fastify-plugin'
import { CacheUsage, ListenerCounts, Plays, Traffic } from '@mixtape/statistics'

declare module 'fastify' {
  interface FastifyInstance {
    statistics: { plays: Plays, traffic: Traffic, listenerCounts: ListenerCounts, cacheUsage: CacheUsage }
  }
}

export const statisticsPlugin = fp(async app => {
  app.decorate('statistics', {
    plays: new Plays(app.redis),
    traffic: new Traffic(app.redis),
    listenerCounts: new ListenerCounts(app.redis),
    cacheUsage: new CacheUsage(app.redis)
  })
}, { name: 'statistics', dependencies: ['redis'] })
