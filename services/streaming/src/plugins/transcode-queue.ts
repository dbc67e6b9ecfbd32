import fp from 'fastify-plugin'
import { TranscodeProducer } from '@mixtape/transcode-queue'

declare module 'fastify' {
  interface FastifyInstance {
    transcodeQueue: TranscodeProducer
  }
}

export const transcodeQueuePlugin = fp(async app => {
  const producer = new TranscodeProducer(app.redis)
  app.decorate('transcodeQueue', producer)
  app.addHook('onClose', async () => { await producer.close() })
}, { name: 'transcode-queue', dependencies: ['redis'] })
