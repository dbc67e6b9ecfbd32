import { STATUS_CODES } from 'node:http'
import sensible from '@fastify/sensible'
import type { FastifyError } from 'fastify'
import fp from 'fastify-plugin'

/**
 * Every error has one shape: `{ statusCode, error, message }`. What went wrong inside is for the log.
 *
 * A path that answers other methods is 405 with Allow, not 404 (RFC 9110, 15.5.6).
 */
export const errorsPlugin = fp(async app => {
  await app.register(sensible)
  const methods = new Map<string, Set<string>>()

  app.addHook('onRoute', ({ url, method }) => {
    const allowed = methods.get(url) ?? methods.set(url, new Set()).get(url)
    for (const name of [method].flat()) allowed?.add(name)
  })

  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?', 1)
    const allowed = [...methods].find(([url]) => url !== '*' && patternOf(url).test(path))?.[1]
    if (!allowed) return reply.notFound('There is nothing here')
    const names = [...allowed].join(', ')
    return reply.header('allow', names).methodNotAllowed(`Allowed here: ${names}`)
  })

  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) request.log.error(error)
    if (error.code === 'EMFILE' || error.code === 'ENFILE') {
      return reply.header('retry-after', '1').serviceUnavailable('Too many open files')
    }
    if (status >= 500 && status !== 503) return reply.internalServerError()
    if (status === 503 && !reply.hasHeader('retry-after')) reply.header('retry-after', '5')
    return reply.code(status).send({ statusCode: status, error: STATUS_CODES[status], message: error.message })
  })
}, { name: 'errors' })

/** `/play/*` and `/mixtapes/:slug` as regular expressions. */
function patternOf (url: string): RegExp {
  return new RegExp(`^${url.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll(/:\w+/g, '[^/]+')}$`)
}
