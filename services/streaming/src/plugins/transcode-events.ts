import type { Logger } from 'pino'
import fp from 'fastify-plugin'
import { TranscodeEvents, workerConnection } from '@mixtape/transcode-queue'

declare module 'fastify' {
  interface FastifyInstance {
    transcodeEvents: TranscodeEvents
  }
}

/** The events of the queue. They need a connection of their own, because it blocks while it waits for the next event. */
export const transcodeEventsPlugin = fp(async app => {
  const events = new TranscodeEvents(workerConnection(app.config.REDIS, app.log as Logger))
  app.decorate('transcodeEvents', events)
  app.addHook('onClose', async () => { events.close() })
}, { name: 'transcode-events' })
