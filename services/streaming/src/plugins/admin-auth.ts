import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook for routes that only the admin may use. */
    requireAdmin (request: FastifyRequest, reply: FastifyReply): Promise<void>
  }
}

/** Without ADMIN_TOKEN the server listens on loopback only (see server.ts), and all local users are admins. */
export const adminAuthPlugin = fp(async app => {
  const token = app.config.ADMIN_TOKEN
  app.decorate('requireAdmin', async (request: FastifyRequest, reply: FastifyReply) => {
    if (token === undefined) {
      // A page of another site in a browser on this machine must not act as the admin.
      const { origin, host } = request.headers
      if (origin !== undefined && !origin.endsWith(`://${host}`)) throw app.httpErrors.forbidden('Not from another origin')
      return
    }
    const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
    if (given !== undefined && isEqual(given, token)) return
    reply.header('www-authenticate', 'Bearer realm="admin"')
    throw app.httpErrors.unauthorized('This needs the admin token: Authorization: Bearer <ADMIN_TOKEN>')
  })
}, { name: 'admin-auth', dependencies: ['@fastify/sensible'] })

/** Compares in constant time. Hashes have equal lengths, so that the length of the token is not revealed. */
function isEqual (given: string, token: string): boolean {
  const [a, b] = [given, token].map(text => createHash('sha256').update(text).digest())
  return timingSafeEqual(a as Buffer, b as Buffer)
}
