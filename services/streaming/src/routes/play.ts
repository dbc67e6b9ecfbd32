import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Track } from '@mixtape/library'
import { qualities, type Quality, type TranscodeQuality } from '@mixtape/mp3'
import { CROSS_ORIGIN, preflightRoutes } from '../serving/cross-origin.ts'
import { decide, type Decision } from '../serving/decision.ts'
import { pathAfter } from '../serving/request-path.ts'
import { respond, toObject } from '../serving/respond.ts'

const PREFIX = '/play/'

/** GET and HEAD /play/<path>?quality=<quality>: a track of the library, as it is or transcoded to MP3. */
export async function playRoutes (app: FastifyInstance) {
  const cache = app.config.AUDIO_CACHE_ENABLED ? app.audioCache : undefined

  await app.register(preflightRoutes)
  // For errors, which Fastify sends. respond() sends the same headers itself.
  app.addHook('onSend', async (request, reply) => { reply.headers(toObject(CROSS_ORIGIN)) })

  app.get(`${PREFIX}*`, async (request, reply) => {
    const quality = parseQuality((request.query as { quality?: string | string[] }).quality)
    if (!quality) throw app.httpErrors.badRequest(`quality must be one of: ${qualities.join(', ')}`)
    const path = pathAfter(PREFIX, request)
    const track = path === undefined ? undefined : await app.library.open(path)
    if (!track) throw app.httpErrors.notFound('No such track')
    try {
      const decision = await decide(track, quality, request.headers, cache, app.liveTranscodes)
      try {
        logDecision(request, track, quality, decision)
        if (decision.outcome === 'miss') app.enqueueMiss(track, quality as TranscodeQuality)
        if (request.method === 'GET') countPlay(request, track, quality, decision)
        return await respond(request, reply, decision)
      } finally {
        if (decision.file !== track) await decision.file.close()
      }
    } finally {
      await track.close()
    }
  })

  /** One line for each decision, in the words of the original Python application, by which operators count hits. */
  function logDecision ({ log }: FastifyRequest, track: Track, quality: Quality, { outcome }: Decision): void {
    if (outcome === 'hit') log.info(`Cache hit: ${track.name} → ${quality} quality`)
    else if (outcome === 'live') log.info(`Cache miss: ${track.name} (${quality}) - serving the transcode while it is made`)
    else if (outcome === 'miss') log.warn(`Cache miss: ${track.name} (${quality}) - serving original`)
    else log.debug(`Serving original: ${track.name}`)
  }

  function countPlay (request: FastifyRequest, track: Track, quality: Quality, { outcome, cachedPath, file }: Decision): void {
    app.playCounts.add({
      path: track.path,
      isStart: isStart(request),
      outcome: outcome === 'live' ? 'miss' : outcome,
      transcode: cachedPath === undefined
        ? undefined
        : { cachedPath, quality: quality as TranscodeQuality, bytesSaved: Math.max(track.size - file.size, 0) }
    })
  }
}

/**
 * @returns whether a request starts a track. A seek has a later range, a resumption has If-Range, a revalidation has
 * If-None-Match, and a probe asks for 10,000 bytes or fewer.
 */
function isStart ({ headers: { range = 'bytes=0-', 'if-range': ifRange, 'if-none-match': ifNoneMatch } }: FastifyRequest): boolean {
  return ifRange === undefined && ifNoneMatch === undefined && /^bytes=0-(\d{5,})?$/.test(range)
}

/** @returns undefined for an unknown quality, and for two different ones */
function parseQuality (value: string | string[] = 'original'): Quality | undefined {
  const [quality, ...others] = typeof value === 'string' ? [value] : value
  return others.every(other => other === quality) ? qualities.find(known => known === quality) : undefined
}
