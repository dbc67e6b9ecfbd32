import { STATUS_CODES } from 'node:http'
import sensible from '@fastify/sensible'
import type { FastifyError } from 'fastify'
import fp from 'fastify-plugin'
import { problemOfCommand } from '@mixtape/transcode-queue'

/**
 * Gives all errors one shape: `{ statusCode, error, message }`. Details of internal errors go to the log only.
 *
 * A path that exists with other methods answers 405 with Allow, not 404 (RFC 9110, 15.5.6), and OPTIONS says the same.
 */
export const errorsPlugin = fp(async app => {
  await app.register(sensible)
  const routes = new Map<string, { pattern: RegExp, methods: Set<string> }>()

  app.addHook('onRoute', ({ url, method }) => {
    const route = routes.get(url) ?? { pattern: patternOf(url), methods: new Set() }
    routes.set(url, route)
    for (const name of [method].flat()) route.methods.add(name)
  })

  const routeOf = (requested: string) => {
    const [path = ''] = requested.split('?', 1)
    return [...routes].find(([url, { pattern }]) => url !== '*' && pattern.test(path))?.[1]
  }

  app.addHook('onSend', async (request, reply) => {
    if (request.method !== 'OPTIONS') return
    const route = routeOf(request.url)
    if (route) reply.header('allow', [...route.methods].join(', '))
  })

  app.setNotFoundHandler((request, reply) => {
    const route = routeOf(request.url)
    // A route that serves files has the method, but not this file.
    if (!route || route.methods.has(request.method)) return reply.notFound('There is nothing here')
    const allowed = [...route.methods].join(', ')
    return reply.header('allow', allowed).methodNotAllowed(`Allowed here: ${allowed}`)
  })

  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = error.statusCode === undefined ? problemOfCommand(error) : undefined
    const status = problem ? 503 : error.statusCode ?? 500
    if (status >= 500 && status !== 503) request.log.error(error)
    else if (status === 503) request.log.debug(error)
    if (error.code === 'EMFILE' || error.code === 'ENFILE') {
      return reply.header('retry-after', '1').serviceUnavailable('Too many open files')
    }
    if (status >= 500 && status !== 503) return reply.internalServerError()
    if (status === 503 && !reply.hasHeader('retry-after')) reply.header('retry-after', '5')
    return reply.code(status).send({ statusCode: status, error: STATUS_CODES[status], message: problem?.message ?? error.message })
  })
}, { name: 'errors' })

/** Makes a regular expression of a route's URL such as `/play/*` or `/mixtapes/:slug`. */
function patternOf (url: string): RegExp {
  return new RegExp(`^${url.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll(/:\w+/g, '[^/]+')}$`)
}
