import type { FastifyInstance, FastifyRequest } from 'fastify'
import { qualities, type Quality, type Track, type TranscodeQuality } from '@mixtape/audio-cache'
import { answer, named } from '../serving/answer.ts'
import { CROSS_ORIGIN, preflightRoutes } from '../serving/cross-origin.ts'
import { decide, type Decision } from '../serving/decision.ts'

const PREFIX = '/play/'

/** GET and HEAD /play/<path>?quality=<level>: a track of the library, as it is or as an MP3 out of the cache. */
export async function playRoutes (app: FastifyInstance) {
  await app.register(preflightRoutes)
  app.addHook('onSend', async (request, reply) => { reply.headers(named(CROSS_ORIGIN)) }) // of errors, which Fastify sends

  app.get(`${PREFIX}*`, async (request, reply) => {
    const quality = parseQuality((request.query as { quality?: string | string[] }).quality)
    if (!quality) throw app.httpErrors.badRequest(`quality must be one of: ${qualities.join(', ')}`)
    const path = trackPath(request)
    const track = path === undefined ? undefined : await app.library.open(path)
    if (!track) throw app.httpErrors.notFound('No such track')
    try {
      const decision = await decide(track, quality, request.headers, app.audioCache, app.liveTranscodes)
      try {
        report(request, track, quality, decision)
        count(request, track, quality, decision)
        return await answer(request, reply, decision)
      } finally {
        if (decision.file !== track) await decision.file.close()
      }
    } finally {
      await track.close()
    }
  })

  /** A log line for each decision, as ops count them; a miss also asks for what was missed, and nobody waits for that. */
  function report ({ log }: FastifyRequest, track: Track, quality: Quality, { outcome }: Decision): void {
    if (outcome === 'hit') {
      log.info(`Cache hit: ${track.name} → ${quality} quality`)
    } else if (outcome === 'live') {
      log.info(`Cache miss: ${track.name} (${quality}) - serving the transcode while it is made`)
    } else if (outcome === 'miss') {
      log.warn(`Cache miss: ${track.name} (${quality}) - serving original`)
      app.enqueueMiss(track, quality as TranscodeQuality)
    } else {
      log.debug(`Serving original: ${track.name}`)
    }
  }

  function count (request: FastifyRequest, track: Track, quality: Quality, { outcome, cachedPath, file }: Decision): void {
    if (request.method !== 'GET') return
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
 * @returns whether a track is begun: a seek is a later range, a resumption has If-Range, who has it already asks whether
 * it has changed, and a probe asks for a few bytes
 */
function isStart ({ headers: { range = 'bytes=0-', 'if-range': ifRange, 'if-none-match': ifNoneMatch } }: FastifyRequest): boolean {
  return ifRange === undefined && ifNoneMatch === undefined && /^bytes=0-(\d{5,})?$/.test(range)
}

/** @returns undefined for a level that there is not, for none, and for two different ones */
function parseQuality (value: string | string[] = 'original'): Quality | undefined {
  const [quality, ...others] = typeof value === 'string' ? [value] : value
  return others.every(other => other === quality) ? qualities.find(level => level === quality) : undefined
}

/** The path behind /play/, percent-decoded once, so that an encoded slash, plus or percent sign means itself. */
function trackPath ({ raw: { url = '' } }: FastifyRequest): string | undefined {
  const [path = ''] = url.split('?', 1)
  try {
    return decodeURIComponent(path.slice(PREFIX.length))
  } catch {
    return undefined
  }
}
