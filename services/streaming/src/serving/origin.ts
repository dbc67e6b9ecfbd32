import type { FastifyRequest } from 'fastify'

/**
 * @returns the origin under which the client reaches this service, such as `https://music.example`, for links that leave
 * the page. A proxy that ends TLS must pass Host and X-Forwarded-Proto. A client that lies about them deceives only itself.
 */
export function originOf ({ headers, protocol, host }: FastifyRequest): string {
  return `${headers['x-forwarded-proto'] === 'https' ? 'https' : protocol}://${host}`
}
