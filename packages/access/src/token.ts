import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * Compares the bearer token of a request (RFC 6750, 2.1) with the right one.
 *
 * @param authorization value of the header Authorization
 * @returns `none` where the request has no bearer token
 */
export function checkBearerToken (authorization: string | undefined, token: string): 'right' | 'wrong' | 'none' {
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  if (given === undefined) return 'none'
  return isEqual(given, token) ? 'right' : 'wrong'
}

/** Compares in constant time. Hashes have equal lengths, so that the length of the token is not revealed. */
function isEqual (given: string, token: string): boolean {
  const [a, b] = [given, token].map(text => createHash('sha256').update(text).digest())
  return timingSafeEqual(a as Buffer, b as Buffer)
}
