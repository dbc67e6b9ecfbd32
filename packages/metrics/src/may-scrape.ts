import type { IncomingHttpHeaders } from 'node:http'
import { carriesToken, isForLoopback } from '@mixtape/access'

/** METRICS_TOKEN, and ADMIN_TOKEN, which may scrape too. */
export interface ScrapeTokens {
  METRICS_TOKEN?: string | undefined
  ADMIN_TOKEN?: string | undefined
}

/**
 * @param address of the client's side of the connection
 * @returns whether a request may read the metrics; without tokens, only this machine may
 */
export function mayScrape (
  { authorization, host }: Pick<IncomingHttpHeaders, 'authorization' | 'host'>, address: string | undefined,
  { METRICS_TOKEN, ADMIN_TOKEN }: ScrapeTokens
): boolean {
  const tokens = [METRICS_TOKEN, ADMIN_TOKEN].filter(token => token !== undefined)
  if (tokens.length === 0) return isForLoopback(address, host)
  return tokens.map(token => carriesToken(authorization, token)).includes('right')
}
