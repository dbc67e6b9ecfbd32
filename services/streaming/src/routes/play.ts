import type { FastifyInstance, FastifyRequest } from 'fastify'
import { qualities, type Quality, type TranscodeQuality } from '@mixtape/mp3'
import { PLAY_QUERY_ALLOWED, playSchema } from '../schemas/play.ts'
import { queryErrors } from '../schemas/query-errors.ts'
import { CROSS_ORIGIN } from '../serving/cross-origin.ts'
import { decide } from '../serving/decision.ts'
import { logDecision } from '../serving/log-decision.ts'
import { pathBelowRoute } from '../serving/request-path.ts'
import { respond, toObject } from '../serving/respond.ts'

const ROUTE = '/play/*'

/** GET and HEAD /play/<path>?quality=<quality>: a track of the library, as it is or transcoded to MP3. */
export async function playRoutes (app: FastifyInstance) {
  const cache = app.config.AUDIO_CACHE_ENABLED ? app.audioCache : undefined

  // For errors, which Fastify sends. respond() sends the same headers itself.
  app.addHook('onSend', async (request, reply) => { reply.headers(toObject(CROSS_ORIGIN)) })

  app.get(ROUTE, { schema: playSchema, schemaErrorFormatter: queryErrors(PLAY_QUERY_ALLOWED) }, async (request, reply) => {
    const quality = parseQuality((request.query as { quality?: string | string[] }).quality)
    if (!quality) throw app.httpErrors.badRequest(`quality must be one of: ${qualities.join(', ')}`)
    const path = pathBelowRoute(request)
    const track = path === undefined ? undefined : await app.library.open(path)
    if (!track) throw app.httpErrors.notFound('No such track')
    try {
      const decision = await decide(track, quality, request, cache, app.liveTranscodes)
      try {
        request.served = { quality, outcome: decision.outcome, cacheStatus: decision.cacheStatus }
        logDecision(request, track, quality, decision)
        if (decision.outcome === 'miss') app.enqueueMiss(track, quality as TranscodeQuality, request.id)
        if (request.method === 'GET') app.playCounts.add(track, quality, decision, isStart(request))
        const { sent, end } = app.answers.start(request, reply, ROUTE, track, decision, quality)
        return await respond(request, reply, decision, sent).finally(end)
      } finally {
        if (decision.file !== track) await decision.file.close()
      }
    } finally {
      await track.close()
    }
  })
}

/**
 * @returns whether a request starts a track. A seek has a later range, a resumption has If-Range, a revalidation has
 * If-None-Match or If-Modified-Since, and a probe asks for 10,000 bytes or fewer.
 */
function isStart ({ headers }: FastifyRequest): boolean {
  const isConditional = ['if-range', 'if-none-match', 'if-modified-since'].some(name => headers[name] !== undefined)
  return !isConditional && /^bytes=0-(\d{5,})?$/.test(headers.range ?? 'bytes=0-')
}

/** @returns undefined for an unknown quality, and for two different ones */
function parseQuality (value: string | string[] = 'original'): Quality | undefined {
  const [quality, ...others] = typeof value === 'string' ? [value] : value
  return others.every(other => other === quality) ? qualities.find(known => known === quality) : undefined
}
