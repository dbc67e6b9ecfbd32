import type { FastifyRequest } from 'fastify'

/**
 * @returns the path after a prefix such as `/play/`, percent-decoded once, so that `%2F`, `+` and `%25` keep their meaning;
 * undefined where it cannot be decoded
 */
export function pathAfter (prefix: string, { raw: { url = '' } }: FastifyRequest): string | undefined {
  const [path = ''] = url.split('?', 1)
  try {
    return decodeURIComponent(path.slice(prefix.length))
  } catch {
    return undefined
  }
}
