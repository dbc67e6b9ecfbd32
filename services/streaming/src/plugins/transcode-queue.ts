import fp from 'fastify-plugin'
import { Failures, QueueMonitor, TranscodeProducer, WorkerHeartbeats } from '@mixtape/transcode-queue'

declare module 'fastify' {
  interface FastifyInstance {
    transcodeQueue: TranscodeProducer
    queueMonitor: QueueMonitor
    failures: Failures
    workers: WorkerHeartbeats
  }
}

export const transcodeQueuePlugin = fp(async app => {
  const producer = new TranscodeProducer(app.redis)
  const monitor = new QueueMonitor(app.redis)
  const failures = new Failures(app.redis, producer)
  app.decorate('transcodeQueue', producer)
  app.decorate('queueMonitor', monitor)
  app.decorate('failures', failures)
  app.decorate('workers', new WorkerHeartbeats(app.redis))
  app.addHook('onClose', async () => { await Promise.all([producer.close(), monitor.close(), failures.close()]) })
}, { name: 'transcode-queue', dependencies: ['redis'] })
