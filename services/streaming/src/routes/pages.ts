import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { pageHeadersPlugin } from '../plugins/page-headers.ts'

const STATIC = fileURLToPath(new URL('../../web/static', import.meta.url))
const COMPILED = fileURLToPath(new URL('../../dist/web', import.meta.url))

/** Places of the page, which itself shows what belongs to the URL. */
const PLACES = ['/browse/*', '/queue']

/** The page for listeners. */
export async function pageRoutes (app: FastifyInstance) {
  await app.register(pageHeadersPlugin, { imgSrc: ['blob:'] }) // covers that were fetched with the token
  await app.register(fastifyStatic, { root: STATIC, wildcard: false })
  await app.register(fastifyStatic, { root: COMPILED, prefix: '/app/', wildcard: false, decorateReply: false })
  for (const url of PLACES) app.get(url, async (request, reply) => await reply.sendFile('index.html'))
}
