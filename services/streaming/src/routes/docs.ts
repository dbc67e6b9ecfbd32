import { readFileSync } from 'node:fs'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { pageHeadersPlugin } from '../plugins/page-headers.ts'

const ICON = new URL('../../web/static/icon.svg', import.meta.url)

/** GET /docs: the API as a page. GET /docs/json: the same as OpenAPI 3.1. It is no secret, and needs no token. */
export async function docsRoutes (app: FastifyInstance) {
  await app.register(pageHeadersPlugin, { imgSrc: ['data:'] }) // the icons of Swagger UI
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: {
      title: 'API · Mixtape audio',
      favicon: [{ filename: 'icon.svg', rel: 'icon', sizes: 'any', type: 'image/svg+xml', content: readFileSync(ICON) }],
      css: [{ filename: 'theme.css', content: '.swagger-ui .topbar { display: none }' }] // a bar that loads descriptions of other servers
    },
    uiConfig: { validatorUrl: null, docExpansion: 'list', persistAuthorization: true, defaultModelsExpandDepth: -1 }
  })
}
