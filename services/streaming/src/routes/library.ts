import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isTrackPath } from '@mixtape/track-paths'
import { Type } from 'typebox'
import { adminErrors, errors } from '../schemas/errors.ts'
import { folderPage } from '../library/folder-page.ts'
import {
  FOLDER_PAGE_EXAMPLE, FOLDER_QUERY_ALLOWED, folderPage as folderPageSchema, folderQuery, libraryPath, PAGE_SIZE, trackEntry
} from '../schemas/library.ts'
import { queryErrors } from '../schemas/query-errors.ts'
import { pathBelowRoute } from '../serving/request-path.ts'

/** GET /library/<folder>?offset=&limit=&filter=: a page of a folder. GET /library/<track>: its tags and cached qualities. */
export const libraryRoutes: FastifyPluginAsyncTypebox = async function (app) {
  const schema = {
    tags: ['library'],
    summary: 'A page of a folder, or a track with its tags',
    querystring: folderQuery,
    response: { 200: Type.Union([folderPageSchema, trackEntry], { examples: [FOLDER_PAGE_EXAMPLE] }), ...errors(400, 404), ...adminErrors }
  }

  app.addHook('onRequest', app.requireLibraryAccess)

  for (const url of ['/library', '/library/*']) {
    app.get(url, { schema: url.endsWith('*') ? { ...schema, params: libraryPath } : schema, schemaErrorFormatter: queryErrors(FOLDER_QUERY_ALLOWED) }, async (request, reply) => {
      const { offset = '0', limit = `${PAGE_SIZE}`, filter = '' } = request.query
      const path = pathBelowRoute(request)?.replace(/\/$/, '')
      if (path === undefined) throw app.httpErrors.badRequest('The path is not percent-encoded UTF-8')
      const found = (isTrackPath(path) ? await app.trackEntries.find(path) : undefined) ??
        await folderPage(app, path, { offset: Number(offset), limit: Number(limit), filter })
      if (!found) throw app.httpErrors.notFound('No such folder or track')
      reply.header('cache-control', 'no-cache')
      return found
    })
  }
}
