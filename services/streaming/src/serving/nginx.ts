import type { FastifyRequest } from 'fastify'
import { GrowingFile } from '@mixtape/audio-cache'
import type { Decision } from './decision.ts'

/**
 * @returns whether the nginx in front can send the file (X_ACCEL=1). It cannot send a growing file. A HEAD has nothing to
 * send. If-Match is evaluated here, because nginx would evaluate it against its own entity tag.
 */
export function isSentByNginx ({ method, headers }: FastifyRequest, { file }: Decision): boolean {
  return method === 'GET' && headers['if-match'] === undefined && !(file instanceof GrowingFile)
}

/** @returns the X-Accel-Redirect path of a file in nginx.conf, percent-encoded; nginx decodes it once */
export function internalLocation ({ path, cachedPath }: Decision): string {
  const [root, file] = cachedPath === undefined ? ['/_library', path] : ['/_cache', cachedPath]
  return `${root}/${file.split('/').map(encodeURIComponent).join('/')}`
}
