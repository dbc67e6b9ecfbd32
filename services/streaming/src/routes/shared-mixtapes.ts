import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { qualities } from '@mixtape/mp3'
import { COVER_TRACKS, mixtapeCover } from '../covers/mixtape-cover.ts'
import { playlist } from '../mixtapes/playlist.ts'
import { errors } from '../schemas/errors.ts'
import { mixtapeTracks, SLUG_ALLOWED, slugParams } from '../schemas/mixtapes.ts'
import { bytes, empty } from '../schemas/play.ts'
import { queryErrors } from '../schemas/query-errors.ts'
import { originOf } from '../serving/origin.ts'
import { evaluatePreconditions } from '../serving/preconditions.ts'

const playlistQuery = Type.Object({
  quality: Type.Optional(Type.String({ enum: [...qualities], description: `${qualities.join(', ')}; original by default`, examples: ['low'] }))
}, { additionalProperties: false })

/**
 * What everyone gets who knows the slug of a mixtape: its tracks with their tags, its cover, and a playlist for other
 * players. Nothing else of the library is told, whatever LIBRARY_ACCESS says.
 */
export const sharedMixtapeRoutes: FastifyPluginAsyncTypebox = async function (app) {
  app.addHook('preHandler', app.requireRedis)
  app.addHook('onSend', async (request, reply) => { reply.header('cache-control', 'no-cache') })

  app.get('/mixtapes/:slug/tracks', {
    schema: {
      tags: ['mixtapes'],
      summary: 'The tracks of a mixtape with their tags, for everyone who knows its slug',
      params: slugParams,
      response: { 200: mixtapeTracks, ...errors(400, 404, 503) }
    }
  }, async request => {
    return await find(request.params.slug)
  })

  app.get('/mixtapes/:slug/cover.jpg', {
    schema: {
      tags: ['mixtapes'],
      summary: 'The cover of a mixtape: of its first album, or of its first four',
      params: slugParams,
      response: { 200: bytes('image/jpeg', 'The picture'), 304: empty('The client has it already'), ...errors(400, 404, 503) }
    }
  }, async (request, reply) => {
    const { tracks } = await app.findMixtape(request.params.slug)
    const cover = await mixtapeCover(app, await app.trackEntries.findAll(tracks.slice(0, COVER_TRACKS)))
    if (!cover) throw app.httpErrors.notFound('No cover')
    reply.headers({ etag: cover.etag, 'x-content-type-options': 'nosniff' })
    if (evaluatePreconditions(request.headers, { etag: cover.etag }) === 'not-modified') return reply.code(304).send()
    const jpeg = await cover.bytes()
    if (!jpeg) throw app.httpErrors.notFound('No cover')
    return reply.type('image/jpeg').send(jpeg)
  })

  app.get('/mixtapes/:slug/playlist.m3u8', {
    schema: {
      tags: ['mixtapes'],
      summary: 'A mixtape as M3U, for other players',
      params: slugParams,
      querystring: playlistQuery,
      response: {
        200: { description: 'The playlist', content: { 'audio/x-mpegurl': { schema: Type.String() } } },
        ...errors(400, 404, 503)
      }
    },
    schemaErrorFormatter: queryErrors({ quality: `must be one of: ${qualities.join(', ')}`, slug: SLUG_ALLOWED })
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
