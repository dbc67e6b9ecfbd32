import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { qualities } from '@mixtape/mp3'
import { COVER_TRACKS, mixtapeCover } from '../covers/mixtape-cover.ts'
import { playlist } from '../mixtapes/playlist.ts'
import { mixtapeTracks, slugParams } from '../schemas/mixtapes.ts'
import { queryErrors } from '../schemas/query-errors.ts'
import { originOf } from '../serving/origin.ts'
import { evaluatePreconditions } from '../serving/preconditions.ts'

const playlistQuery = Type.Object({ quality: Type.Optional(Type.String({ enum: [...qualities] })) }, { additionalProperties: false })

/**
 * What everyone gets who knows the slug of a mixtape: its tracks with their tags, its cover, and a playlist for other
 * players. Nothing else of the library is told, whatever LIBRARY_ACCESS says.
 */
export const sharedMixtapeRoutes: FastifyPluginAsyncTypebox = async function (app) {
  app.addHook('preHandler', app.requireRedis)
  app.addHook('onSend', async (request, reply) => { reply.header('cache-control', 'no-cache') })

  app.get('/mixtapes/:slug/tracks', { schema: { params: slugParams, response: { 200: mixtapeTracks } } }, async request => {
    return await find(request.params.slug)
  })

  app.get('/mixtapes/:slug/cover.jpg', { schema: { params: slugParams } }, async (request, reply) => {
    const { tracks } = await app.findMixtape(request.params.slug)
    const cover = await mixtapeCover(app, await app.trackEntries.findAll(tracks.slice(0, COVER_TRACKS)))
    if (!cover) throw app.httpErrors.notFound('No cover')
    reply.headers({ etag: cover.etag, 'x-content-type-options': 'nosniff' })
    if (evaluatePreconditions(request.headers, { etag: cover.etag }) === 'not-modified') return reply.code(304).send()
    const bytes = await cover.bytes()
    if (!bytes) throw app.httpErrors.notFound('No cover')
    return reply.type('image/jpeg').send(bytes)
  })

  app.get('/mixtapes/:slug/playlist.m3u8', {
    schema: { params: slugParams, querystring: playlistQuery },
    schemaErrorFormatter: queryErrors({ quality: `must be one of: ${qualities.join(', ')}` })
  }, async (request, reply) => {
    const mixtape = await find(request.params.slug)
    const quality = qualities.find(known => known === request.query.quality)
    return reply
      .type('audio/x-mpegurl; charset=utf-8')
      .header('content-disposition', `attachment; filename="${mixtape.slug}.m3u8"`)
      .send(playlist(mixtape, originOf(request), quality))
  })

  async function find (slug: string) {
    const { title, tracks } = await app.findMixtape(slug)
    return { slug, title, tracks: await app.trackEntries.findAll(tracks) }
  }
}
