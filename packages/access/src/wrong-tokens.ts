import rateLimit from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Must be called for each wrong token on any route. @throws 429 where this address has sent too many */
    countWrongToken (request: FastifyRequest, reply: FastifyReply): Promise<void>
  }
}

/** Wrong tokens that one address may send in a minute before it gets 429. Each server counts its own. */
const MAX_WRONG = 20

/** Lets nobody guess tokens. */
export const wrongTokensPlugin = fp(async app => {
  await app.register(rateLimit, { global: false, max: MAX_WRONG, timeWindow: '1 minute' })
  const countWrong = app.createRateLimit()

  app.decorate('countWrongToken', async (request: FastifyRequest, reply: FastifyReply) => {
    const limit = await countWrong(request)
    if (limit.isAllowed || !limit.isExceeded) return
    reply.header('retry-after', `${limit.ttlInSeconds}`)
    throw Object.assign(new Error(`Too many wrong tokens from ${request.ip}: at most ${MAX_WRONG} in a minute`), { statusCode: 429 })
  })
}, { name: 'wrong-tokens' })
