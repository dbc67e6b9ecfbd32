import type { FastifyRequest } from 'fastify'
import { encodePath } from '@mixtape/track-paths'
import type { FileAnswer } from './respond.ts'

/**
 * The nginx in front (X_ACCEL=1) can send whole files of the disk, but not a growing file. A HEAD has nothing to send.
 * If-Match is evaluated here, because nginx would evaluate it against its own entity tag.
 *
 * @returns the X-Accel-Redirect path of a file in nginx.conf, percent-encoded, because nginx decodes it once; undefined
 * where nginx cannot send the answer
 */
export function internalLocation ({ method, headers }: FastifyRequest, answer: FileAnswer): string | undefined {
  const { path, cachedPath, file: { reach } } = answer
  if (method !== 'GET' || headers['if-match'] !== undefined || path === undefined || reach) return undefined
  const [root, file] = cachedPath === undefined ? ['/_library', path] : ['/_cache', cachedPath]
  return `${root}/${encodePath(file)}`
}
