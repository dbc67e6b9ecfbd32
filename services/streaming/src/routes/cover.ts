import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { COVER_SIZES } from '../covers/render.ts'
import { sourcesOfFolder, sourcesOfTrack } from '../covers/sources.ts'
import { adminErrors, errors } from '../schemas/errors.ts'
import { libraryPath } from '../schemas/library.ts'
import { bytes, empty } from '../schemas/play.ts'
import { queryErrors } from '../schemas/query-errors.ts'
import { evaluatePreconditions } from '../serving/preconditions.ts'
import { pathBelowRoute } from '../serving/request-path.ts'

const DEFAULT_SIZE = 512

const querystring = Type.Object({
  size: Type.Optional(Type.String({ enum: COVER_SIZES.map(String), description: 'Of its longer side, in pixels; 512 by default', examples: ['256'] }))
}, { additionalProperties: false })

const ALLOWED = { size: `must be one of: ${COVER_SIZES.join(', ')}` }

/**
 * GET /cover/<track or folder>?size=<pixels>: a WebP.
 *
 * Everyone who knows the path of a track may play it, and see its cover. So a mixtape can show the covers of its tracks. The
 * cover of a folder is part of the library, which LIBRARY_ACCESS guards.
 */
export const coverRoutes: FastifyPluginAsyncTypebox = async function (app) {
  const { library, covers } = app
  const schema = {
    tags: ['library'],
    summary: 'The cover of a track or a folder',
    description: 'Those of tracks are open to everyone, those of folders where the library is.',
    querystring,
    response: {
      200: bytes('image/webp', 'The cover, not larger than the size'),
      304: empty('The client has it already'),
      ...errors(400, 404, 412, 422),
      ...adminErrors
    }
  }

  for (const url of ['/cover', '/cover/*']) {
    app.get(url, { schema: url.endsWith('*') ? { ...schema, params: libraryPath } : schema, schemaErrorFormatter: queryErrors(ALLOWED) }, async (request, reply) => {
      const path = pathBelowRoute(request)?.replace(/\/$/, '')
      if (path === undefined) throw app.httpErrors.badRequest('The path is not percent-encoded UTF-8')
      const track = await library.open(path)
      await track?.close()
      if (!track) await app.requireLibraryAccess(request, reply)
      const sources = track ? sourcesOfTrack(library, track) : sourcesOfFolder(library, path)
      const cover = await covers.find(sources, Number(request.query.size ?? DEFAULT_SIZE))
      if (cover === 'none') throw app.httpErrors.notFound('No cover')
      if (cover === 'broken') {
        throw app.httpErrors.unprocessableEntity('The cover cannot be shown: it is damaged, larger than 60 megapixels or ' +
          '40 MiB, or none of JPEG, PNG, WebP, GIF and AVIF')
      }
      const { etag } = cover
      reply.headers({ etag, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' })
      switch (evaluatePreconditions(request.headers, { etag })) {
        case 'not-modified': return reply.code(304).send()
        case 'failed': throw app.httpErrors.preconditionFailed('The cover does not match the precondition')
      }
      const bytes = await cover.bytes()
      if (!bytes) throw app.httpErrors.notFound('No cover')
      return reply.type('image/webp').send(bytes)
    })
  }
}
