import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Track } from '@mixtape/library'
import type { Quality, TranscodeQuality } from '@mixtape/mp3'
import { hlsSchema } from '../schemas/play.ts'
import { CROSS_ORIGIN } from '../serving/cross-origin.ts'
import type { Decision } from '../serving/decision.ts'
import { HlsLevels } from '../serving/hls-levels.ts'
import { levelPlaylist, masterPlaylist, PLAYLIST_TYPE } from '../serving/hls-playlist.ts'
import { hlsSegment, segmentDurations, type AudioFrames } from '../serving/hls-segments.ts'
import { parseHlsTarget, type HlsTarget } from '../serving/hls-target.ts'
import { logDecision } from '../serving/log-decision.ts'
import { fileName, pathBelowRoute } from '../serving/request-path.ts'
import { respond, toObject } from '../serving/respond.ts'
import { textRepresentation } from '../serving/text.ts'

const ROUTE = '/hls/*'

/** A URL of a segment has the generation of its MP3, and no other bytes ever (RFC 8246). */
const IMMUTABLE = 'public, max-age=31536000, immutable'

const NOT_OFFERED = 'HLS is offered for MP3s, and for files that are transcoded while the cache is enabled. /play serves this file as it is'
const BROKEN = 'This track cannot be transcoded until it changes. /play serves it as it is'
const NOT_READY = 'No MP3 of this track is ready for HLS yet. /play serves the original meanwhile'

/** A request for a level whose MP3 is there. */
interface LevelRequest {
  request: FastifyRequest
  reply: FastifyReply
  track: Track
  level: Quality
  decision: Decision
  frames: AudioFrames
  /** Changes when the bytes of the MP3 do. */
  generation: string
}

/**
 * GET and HEAD /hls/<path>.m3u8: a track by HTTP Live Streaming (RFC 8216). The segments are cut out of the MP3s that /play
 * serves: nothing is stored twice, and nothing is encoded for HLS.
 */
export async function hlsRoutes (app: FastifyInstance) {
  const levels = new HlsLevels(app.config.AUDIO_CACHE_ENABLED ? app.audioCache : undefined, app.liveTranscodes)

  // For errors, which Fastify sends. respond() sends the same headers itself.
  app.addHook('onSend', async (request, reply) => { reply.headers(toObject(CROSS_ORIGIN)) })

  app.get(ROUTE, { schema: hlsSchema }, async (request, reply) => {
    const target = parseHlsTarget(pathBelowRoute(request) ?? '')
    const track = target && await app.library.open(target.path)
    if (!track) throw app.httpErrors.notFound('No such track')
    try {
      const offered = levels.of(track)
      if (offered.length === 0) throw app.httpErrors.notFound(NOT_OFFERED)
      if (target.type === 'master') return await sendMaster(request, reply, track, offered)
      const { level } = target
      if (!offered.includes(level)) throw app.httpErrors.notFound(`The levels of this track are: ${offered.join(', ')}`)
      const decision = await levels.open(track, level, request.id)
      try {
        request.served = { quality: level, outcome: decision.outcome, cacheStatus: decision.cacheStatus }
        if (decision.outcome === 'miss') throw await notReady(request, reply, track, level as TranscodeQuality, decision.cacheStatus)
        const frames = await levels.frames(decision, level)
        if (!frames) throw app.httpErrors.notFound(NOT_OFFERED)
        const generation = decision.file.etag.slice(1, -1) // without the quotes
        const opened = { request, reply, track, level, decision, frames, generation }
        return target.type === 'level' ? await sendLevel(opened) : await sendSegment(opened, target)
      } finally {
        if (decision.file !== track) await decision.file.close()
      }
    } finally {
      await track.close()
    }
  })

  /**
   * Where misses are answered with the original, only cached levels can be played: those are listed, and the others
   * enqueued. Without any, the first request fails, so that a page can turn to /play at once.
   */
  async function sendMaster (request: FastifyRequest, reply: FastifyReply, track: Track, offered: Quality[]): Promise<FastifyReply> {
    if (!offered.includes('original') && await isBroken(track)) throw app.httpErrors.notFound(BROKEN)
    const variants = []
    for (const level of offered) {
      const bandwidth = await levels.bandwidth(track, level)
      if (bandwidth !== undefined) variants.push({ uri: `./${fileName(request, '.m3u8')}/${level}.m3u8`, bandwidth })
      else if (level !== 'original') app.enqueueMiss(track, level, request.id)
    }
    if (variants.length > 0) {
      return await respond(request, reply, { file: textRepresentation(masterPlaylist(variants)), contentType: PLAYLIST_TYPE })
    }
    throw offered.includes('original') ? app.httpErrors.notFound(NOT_OFFERED) : app.httpErrors.serviceUnavailable(NOT_READY)
  }

  /** Whether this version of a track is known to fail. */
  async function isBroken ({ path, version }: Track): Promise<boolean> {
    return (await app.failures.source(path).catch(() => undefined))?.version === version
  }

  async function sendLevel ({ request, reply, track, level, decision, frames, generation }: LevelRequest): Promise<FastifyReply> {
    logDecision(request, track, level, decision)
    const text = levelPlaylist(segmentDurations(frames), segment => `${level}/${generation}/${segment}.mp3`, {
      areIndependent: level !== 'original' // the frames of other MP3s use bits of the frames before
    })
    return await respond(request, reply, {
      file: textRepresentation(text), contentType: PLAYLIST_TYPE, cacheStatus: decision.cacheStatus
    })
  }

  async function sendSegment (
    { request, reply, track, level, decision, frames, generation }: LevelRequest, target: Extract<HlsTarget, { type: 'segment' }>
  ): Promise<FastifyReply> {
    if (target.generation !== generation) {
      // A player keeps the playlist of a track. When the MP3 is made anew meanwhile, it goes on with that one.
      return reply.header('cache-control', 'no-store').redirect(`../${generation}/${target.segment}.mp3`, 307)
    }
    const file = hlsSegment(decision.file, frames, generation, target.segment)
    if (!file) throw app.httpErrors.notFound(`The last segment is ${segmentDurations(frames).length - 1}`)
    if (request.method === 'GET') app.playCounts.add(track, level, decision, target.segment === 0)
    const { sent, end } = app.answers.start(request, reply, ROUTE, track, decision, level)
    return await respond(request, reply, {
      file, contentType: 'audio/mpeg', cacheStatus: decision.cacheStatus, cacheControl: IMMUTABLE
    }, sent).finally(end)
  }

  /** Has a missing level made. @returns the error that tells the client to come back, or to give up */
  async function notReady (
    request: FastifyRequest, reply: FastifyReply, track: Track, level: TranscodeQuality, cacheStatus: string
  ): Promise<Error> {
    reply.header('cache-status', cacheStatus)
    if (await isBroken(track)) return app.httpErrors.notFound(BROKEN)
    app.answers.queued(request, ROUTE, level, cacheStatus)
    app.enqueueMiss(track, level, request.id)
    return app.httpErrors.serviceUnavailable(NOT_READY)
  }
}
