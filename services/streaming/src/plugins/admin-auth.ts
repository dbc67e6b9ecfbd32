import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { checkBearerToken, isForLoopback, wrongTokensPlugin } from '@mixtape/access'

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook for routes that only the admin may use. */
    requireAdmin (request: FastifyRequest, reply: FastifyReply): Promise<void>
  }
}

/** The admin has the ADMIN_TOKEN. Without one the server listens on loopback only (see server.ts), and all local users are admins. */
export const adminAuthPlugin = fp(async app => {
  const { ADMIN_TOKEN: adminToken } = app.config
  await app.register(wrongTokensPlugin)

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

  /** The right token is never refused: behind a proxy all clients have one address, and none may lock the admin out. */
  async function checkToken (request: FastifyRequest, reply: FastifyReply, token: string): Promise<void> {
    const carried = checkBearerToken(request.headers.authorization, token)
    if (carried === 'right') return
    if (carried === 'wrong') await app.countWrongToken(request, reply)
    reply.header('www-authenticate', 'Bearer realm="admin"')
    throw app.httpErrors.unauthorized('This needs the admin token: Authorization: Bearer <ADMIN_TOKEN>')
  }
}, { name: 'admin-auth', dependencies: ['@fastify/sensible'] })
