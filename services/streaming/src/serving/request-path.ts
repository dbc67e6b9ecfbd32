import type { FastifyRequest } from 'fastify'

/**
 * @returns what the `*` of a route such as `/play/*` stands for, percent-decoded once, so that `%2F`, `+` and `%25` keep their
 * meaning; undefined where it is not encoded correctly
 */
export function pathBelowRoute ({ raw: { url = '' } }: FastifyRequest): string | undefined {
  const [path = ''] = url.split('?', 1)
  const [, , ...below] = path.split('/') // not by the length of `/play/`: the router takes `/%70lay/` for it
  try {
    return decodeURIComponent(below.join('/'))
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
