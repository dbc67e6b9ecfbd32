import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** METRICS_TOKEN, and ADMIN_TOKEN, which may scrape too. */
export interface ScrapeTokens {
  METRICS_TOKEN?: string | undefined
  ADMIN_TOKEN?: string | undefined
}

const LOOPBACK_NAME = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i

/**
 * @returns whether a request may read the metrics. Without tokens the services listen on loopback only; then a page of another
 * site, whose name was made to lead to this machine, is told apart by its Host
 */
export function mayScrape (
  { authorization, host }: Pick<IncomingHttpHeaders, 'authorization' | 'host'>, { METRICS_TOKEN, ADMIN_TOKEN }: ScrapeTokens
): boolean {
  const tokens = [METRICS_TOKEN, ADMIN_TOKEN].filter(token => token !== undefined)
  if (tokens.length === 0) return LOOPBACK_NAME.test(host ?? '')
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  return given !== undefined && tokens.map(token => isEqual(given, token)).includes(true)
}

/** Compares in constant time. Hashes have equal lengths, so that the length of the token is not revealed. */
function isEqual (given: string, token: string): boolean {
  const [a, b] = [given, token].map(text => createHash('sha256').update(text).digest())
  return timingSafeEqual(a as Buffer, b as Buffer)
}
