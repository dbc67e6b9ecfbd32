import { randomUUID } from 'node:crypto'
import fp from 'fastify-plugin'
import { Listeners } from '../overview/listeners.ts'

declare module 'fastify' {
  interface FastifyInstance {
    listeners: Listeners
  }
}

/** How often a replica with listeners tells Redis how many it has. */
const REPORT_MS = 2000

/** Who listens now. */
export const listenersPlugin = fp(async app => {
  const listeners = new Listeners()
  const replica = randomUUID()
  let hadListeners = false
  app.decorate('listeners', listeners)
  const timer = setInterval(() => {
    const counts = listeners.count()
    const hasListeners = Object.values(counts).some(number => number > 0)
    if (hasListeners || hadListeners) {
      app.statistics.listenerCounts.report(replica, counts).catch(error => app.log.debug(error, 'Listeners were not counted'))
    }
    hadListeners = hasListeners
  }, REPORT_MS).unref()
  app.addHook('onClose', async () => { clearInterval(timer) })
}, { name: 'listeners', dependencies: ['statistics'] })
