import type { Logger } from 'pino'
import fp from 'fastify-plugin'
import { migrateKeys, producerConnection, type RedisClient } from '@mixtape/transcode-queue'

declare module 'fastify' {
  interface FastifyInstance {
    /** Commands fail at once while Redis is away. */
    redis: RedisClient
    /** A preHandler hook for routes that can do nothing while Redis is away: they answer 503 at once. */
    requireRedis (): Promise<void>
  }
}

export const redisPlugin = fp(async app => {
  const redis = producerConnection(app.config.REDIS, app.log as Logger)
  app.decorate<RedisClient>('redis', redis)
  app.decorate('requireRedis', async () => {
    await redis.ping().catch(() => {
      throw app.httpErrors.serviceUnavailable('The queue (Redis) is not reachable: please try again')
    })
  })
  redis.once('ready', () => {
    migrateKeys(redis).catch(error => app.log.error(error, 'The Redis keys of version 0.7 are not renamed yet'))
  })
  app.addHook('onClose', async () => { redis.disconnect() })
}, { name: 'redis', dependencies: ['errors'] })
