import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isTrackPath } from '@mixtape/track-paths'
import { transcodeQualities } from '@mixtape/mp3'
import { adminErrors, errors } from '../schemas/errors.ts'
import { nullable } from '../schemas/nullable.ts'
import { lane, percent, time, timeOrNull } from '../schemas/queue.ts'
import { record } from '../schemas/record.ts'
import { explainTrack } from '../why/explain-track.ts'
import { STATES } from '../why/state.ts'

const cached = Type.Object({
  path: Type.String({ description: 'Relative to the cache directory' }),
  size_bytes: Type.Integer(),
  cached_at: time,
  made_from: nullable(Type.Object({
    file: Type.String(),
    version: Type.String({ description: 'Size and modification time of the source, in nanoseconds since 1970' })
  })),
  last_played: timeOrNull,
  eviction: Type.String({ description: 'Which rule would delete it, and when' })
})

const job = Type.Object({
  state: Type.String({ enum: ['waiting', 'delayed', 'running'] }),
  lane,
  place: nullable(Type.Integer({ minimum: 1 })),
  since: time,
  percent: nullable(percent),
  worker: nullable(Type.String()),
  next_attempt: timeOrNull
})

const quality = Type.Object({
  state: Type.String({ enum: [...STATES] }),
  why: Type.String(),
  served: Type.String({ description: 'What a listener would get now' }),
  cached: nullable(cached),
  job: nullable(job)
})

const trackSchema = Type.Object({
  path: Type.String(),
  source: nullable(Type.Object({ size_bytes: Type.Integer(), modified: time, version: Type.String() })),
  mixtapes: Type.Array(Type.String(), { description: 'Slugs of the mixtapes that have it' }),
  redis: Type.Boolean({ description: 'Whether Redis answered: otherwise nothing is known about jobs and plays' }),
  qualities: record(transcodeQualities, quality)
}, {
  examples: [{
    path: 'jazz/so-what.flac',
    source: { size_bytes: 51_273_904, modified: '2026-11-01T12:00:00.000Z', version: '51273904-1793534400000000000' },
    mixtapes: ['summer'],
    redis: true,
    qualities: Object.fromEntries(transcodeQualities.map(name => [name, {
      state: 'absent',
      why: 'It is not made, and not enqueued.',
      served: 'The original; the play enqueues the MP3',
      cached: null,
      job: null
    }]))
  }]
})

/** GET /admin/tracks/<path>: why is a track cached at a quality, or not? */
export const adminTracksRoutes: FastifyPluginAsyncTypebox = async function (app) {
  app.addHook('onRequest', app.requireAdmin)

  app.get('/admin/tracks/*', {
    schema: {
      tags: ['tracks'],
      summary: 'Why a track is cached at each quality, or is not',
      params: Type.Object({
        '*': Type.String({ description: 'Path of the track, relative to the library', examples: ['jazz/so-what.flac'] })
      }),
      response: { 200: trackSchema, ...adminErrors, ...errors(400) }
    }
  }, async request => {
    const path = request.params['*']
    if (!isTrackPath(path)) throw app.httpErrors.badRequest('The path must be that of an audio file, relative to the library')
    return await explainTrack(app, path)
  })
}
