import { fileURLToPath } from 'node:url'
import helmet from '@fastify/helmet'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'

const STATIC = fileURLToPath(new URL('../../web/static', import.meta.url))
const COMPILED = fileURLToPath(new URL('../../dist/web', import.meta.url))

/** Places of the page, which itself shows what belongs to the URL. */
const PLACES = ['/browse/*', '/queue']

/** The page for listeners: its files, and headers that allow it nothing but what it needs from this server. */
export async function pageRoutes (app: FastifyInstance) {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false, // with them, a page without TLS would ask for everything by https:
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'blob:'], // covers that were fetched with the token
        mediaSrc: ["'self'", 'blob:'], // the player's Media Source Extensions
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"]
      }
    },
    strictTransportSecurity: false // for the proxy that ends TLS to decide
  })
  await app.register(fastifyStatic, { root: STATIC, wildcard: false })
  await app.register(fastifyStatic, { root: COMPILED, prefix: '/app/', wildcard: false, decorateReply: false })
  for (const url of PLACES) app.get(url, async (request, reply) => await reply.sendFile('index.html'))
}
