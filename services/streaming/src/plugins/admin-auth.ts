import rateLimit from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { carriesToken, isForLoopback } from '@mixtape/access'

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook for routes that only the admin may use. */
    requireAdmin (request: FastifyRequest, reply: FastifyReply): Promise<void>
    /** Must be called for each wrong token on any route. @throws 429 where this address has sent too many */
    countWrongToken (request: FastifyRequest, reply: FastifyReply): Promise<void>
  }
}

/** Wrong tokens that one address may send in a minute before it gets 429. Each replica counts its own. */
const MAX_WRONG = 20

/** The admin has the ADMIN_TOKEN. Without one the server listens on loopback only (see server.ts), and all local users are admins. */
export const adminAuthPlugin = fp(async app => {
  const { ADMIN_TOKEN: adminToken } = app.config
  await app.register(rateLimit, { global: false, max: MAX_WRONG, timeWindow: '1 minute' })
  const countWrong = app.createRateLimit()

  app.decorate('requireAdmin', async (request: FastifyRequest, reply: FastifyReply) => {
    if (adminToken !== undefined) return await checkToken(request, reply, adminToken)
    const { headers: { host, origin }, socket } = request
    if (!isForLoopback(socket.remoteAddress, host)) {
      throw app.httpErrors.forbidden(`Without an ADMIN_TOKEN only http://127.0.0.1 and http://localhost lead to this, not "${host}". ` +
        'Set ADMIN_TOKEN where the server is started, and send it: Authorization: Bearer <ADMIN_TOKEN>')
    }
    // A page of another site in a browser on this machine must not act as the admin.
    if (origin !== undefined && !origin.endsWith(`://${host}`)) throw app.httpErrors.forbidden('Not from another origin')
  })

  app.decorate('countWrongToken', async (request: FastifyRequest, reply: FastifyReply) => {
    const limit = await countWrong(request)
    if (limit.isAllowed || !limit.isExceeded) return
    reply.header('retry-after', `${limit.ttlInSeconds}`)
    throw app.httpErrors.tooManyRequests(`Too many wrong tokens from ${request.ip}: at most ${MAX_WRONG} in a minute`)
  })

  /** The right token is never refused: behind a proxy all clients have one address, and none may lock the admin out. */
  async function checkToken (request: FastifyRequest, reply: FastifyReply, token: string): Promise<void> {
    const carried = carriesToken(request.headers.authorization, token)
    if (carried === 'right') return
    if (carried === 'wrong') await app.countWrongToken(request, reply)
    reply.header('www-authenticate', 'Bearer realm="admin"')
    throw app.httpErrors.unauthorized('This needs the admin token: Authorization: Bearer <ADMIN_TOKEN>')
  }
}, { name: 'admin-auth', dependencies: ['@fastify/sensible'] })
