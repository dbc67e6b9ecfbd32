import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook for routes that change or tell what is not every listener's business. */
    requireAdmin (request: FastifyRequest, reply: FastifyReply): Promise<void>
  }
}

/** Without a token the server listens on loopback only (see server.ts), and whoever is on the machine is the admin. */
export const adminAuthPlugin = fp(async app => {
  const token = app.config.ADMIN_TOKEN
  app.decorate('requireAdmin', async (request: FastifyRequest, reply: FastifyReply) => {
    if (token === undefined) {
      // A page of another origin, open in a browser on this machine, is nobody's admin.
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

/** In constant time; hashed, because the comparison wants equal lengths and must not tell them. */
function isEqual (given: string, token: string): boolean {
  const [a, b] = [given, token].map(text => createHash('sha256').update(text).digest())
  return timingSafeEqual(a as Buffer, b as Buffer)
}
