import type { FastifyReply, FastifyRequest } from 'fastify'
import { checkBearerToken, isForLoopback } from '@mixtape/access'

/** METRICS_TOKEN, and ADMIN_TOKEN, which may scrape too. */
export interface ScrapeTokens {
  METRICS_TOKEN?: string | undefined
  ADMIN_TOKEN?: string | undefined
}

/**
 * Makes an onRequest hook for those who may read the metrics; without tokens, only this machine may. The app must have
 * wrongTokensPlugin: the ADMIN_TOKEN is right here too, so it could be guessed here.
 */
export function requireScraper ({ METRICS_TOKEN, ADMIN_TOKEN }: ScrapeTokens) {
  const tokens = [METRICS_TOKEN, ADMIN_TOKEN].filter(token => token !== undefined)

  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { authorization, host } = request.headers
    const mayScrape = tokens.length === 0
      ? isForLoopback(request.socket.remoteAddress, host)
      : tokens.map(token => checkBearerToken(authorization, token)).includes('right')
    if (mayScrape) return
    if (authorization !== undefined) await request.server.countWrongToken(request, reply)
    reply.header('www-authenticate', 'Bearer realm="metrics"')
    throw Object.assign(new Error('This needs METRICS_TOKEN or ADMIN_TOKEN: Authorization: Bearer <token>'), { statusCode: 401 })
  }
}
