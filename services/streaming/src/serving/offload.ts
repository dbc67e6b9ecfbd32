import type { FastifyRequest } from 'fastify'
import { GrowingFile } from '@mixtape/audio-cache'
import type { Decision } from './decision.ts'

/**
 * @returns whether an nginx in front can send the file as we would: not one that is still growing, not where there is
 * nothing to send, and not where the listener says If-Match, which nginx judges before it knows our entity tag
 */
export function isForNginx ({ method, headers }: FastifyRequest, { file }: Decision): boolean {
  return method === 'GET' && headers['if-match'] === undefined && !(file instanceof GrowingFile)
}

/** @returns the path under which nginx.conf has the file, percent-encoded: nginx decodes it once */
export function internalLocation ({ path, cachedPath }: Decision): string {
  const [root, file] = cachedPath === undefined ? ['/_library', path] : ['/_cache', cachedPath]
  return `${root}/${file.split('/').map(encodeURIComponent).join('/')}`
}
