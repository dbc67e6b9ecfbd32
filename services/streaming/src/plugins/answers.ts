import fp from 'fastify-plugin'
import { Answers } from '../metrics/answers.ts'

declare module 'fastify' {
  interface FastifyInstance {
    answers: Answers
  }
  interface FastifyRequest {
    /** Whether its route counts the answer itself. */
    isCounted: boolean
  }
}

/** Counts all answers. Those with audio count themselves, because a client that leaves early is no `finish`. */
export const answersPlugin = fp(async app => {
  app.decorate('answers', new Answers(app.metrics.registry, app.listeners, (quality, bytes) => app.playCounts.addSent(quality, bytes)))
  app.decorateRequest('isCounted', false)
  app.addHook('onResponse', (request, reply, done) => {
    if (!request.isCounted) app.answers.other(request.routeOptions.url ?? 'none', reply.statusCode)
    done()
  })
}, { name: 'answers', dependencies: ['metrics', 'listeners', 'play-counts'] })
