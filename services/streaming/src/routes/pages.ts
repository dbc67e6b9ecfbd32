import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { mixtapePageRoutes } from './mixtape-page.ts'
import { pageHeadersPlugin } from '../plugins/page-headers.ts'

const STATIC = fileURLToPath(new URL('../../web/static', import.meta.url))
const COMPILED = fileURLToPath(new URL('../../dist/web', import.meta.url))

/** Places of the page, which itself shows what belongs to the URL. */
const PLACES = ['/browse/*', '/queue', '/mixtape', '/edit']

/** The page for listeners. */
export async function pageRoutes (app: FastifyInstance) {
  await app.register(pageHeadersPlugin, {
    imgSrc: ['blob:'], // covers that were fetched with the token
    mediaSrc: ['blob:'] // the player's Media Source Extensions
  })
  await app.register(fastifyStatic, { root: STATIC, wildcard: false })
  await app.register(fastifyStatic, {
    root: COMPILED,
    prefix: '/app/',
    wildcard: false,
    decorateReply: false,
    setHeaders: reply => { reply.header('service-worker-allowed', '/') }
  })
  const files = ['/', ...filesIn(STATIC).filter(file => file !== 'index.html').map(file => `/${file}`),
    ...filesIn(COMPILED).filter(file => file.endsWith('.js')).map(file => `/app/${file}`)]
  app.get('/files.json', async () => files) // for the service worker, which stores them
  app.get('/admin', async (request, reply) => await reply.redirect('/admin/'))
  for (const url of PLACES) app.get(url, async (request, reply) => await reply.sendFile('index.html'))
  await app.register(mixtapePageRoutes, { html: readFileSync(`${STATIC}/index.html`, 'utf8') })
}

/** @returns the paths of the files of the page below a folder. Those of the operators' page, in `admin`, are not needed offline */
function filesIn (folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name))).filter(path => !path.startsWith('admin/'))
}
