import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import fp from 'fastify-plugin'
import { producerConnection } from '@mixtape/transcode-queue'

declare module 'fastify' {
  interface FastifyInstance {
    /** Commands fail at once while Redis is away. */
    redis: Redis
    /** A preHandler hook for routes that can do nothing while Redis is away: they answer 503 at once. */
    requireRedis (): Promise<void>
  }
}

export const redisPlugin = fp(async app => {
  const redis = producerConnection(app.config.REDIS_URL, app.log as Logger)
  app.decorate('redis', redis)
  app.decorate('requireRedis', async () => {
    await redis.ping().catch(() => {
      throw app.httpErrors.serviceUnavailable('The queue (Redis) is not reachable: please try again')
    })
  })
  app.addHook('onClose', async () => { redis.disconnect() })
}, { name: 'redis', dependencies: ['errors'] })
