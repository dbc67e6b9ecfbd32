import type { FastifyRequest } from 'fastify'

/**
 * @param prefix of the route, such as `/play/`
 * @returns the path after the prefix, percent-decoded once, so that `%2F`, `+` and `%25` keep their meaning; undefined
 * where it is not encoded correctly
 */
export function pathAfter (prefix: string, { raw: { url = '' } }: FastifyRequest): string | undefined {
  const [path = ''] = url.split('?', 1)
  try {
    return decodeURIComponent(path.slice(prefix.length))
  } catch {
    return undefined
  }
}

/** @returns the last part of the path, percent-encoded for a relative URL, without its ending */
export function fileName ({ raw: { url = '' } }: FastifyRequest, ending: string): string {
  const [path = ''] = url.split('?', 1)
  const name = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
  return encodeURIComponent(name.slice(0, name.length - ending.length))
}
