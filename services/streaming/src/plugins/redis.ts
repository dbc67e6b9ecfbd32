import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import fp from 'fastify-plugin'
import { producerConnection } from '@mixtape/transcode-queue'

declare module 'fastify' {
  interface FastifyInstance {
    /** Commands fail at once while Redis is away. */
    redis: Redis
  }
}

export const redisPlugin = fp(async app => {
  const redis = producerConnection(app.config.REDIS_URL, app.log as Logger)
  app.decorate('redis', redis)
  app.addHook('onClose', async () => { redis.disconnect() })
}, { name: 'redis' })
