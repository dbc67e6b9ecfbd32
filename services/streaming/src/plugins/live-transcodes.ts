import fp from 'fastify-plugin'
import { LiveTranscodes } from '../serving/live-transcodes.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Undefined where a miss is answered with the original. */
    liveTranscodes: LiveTranscodes | undefined
  }
}

export const liveTranscodesPlugin = fp(async app => {
  const { AUDIO_CACHE_ENABLED: isEnabled, AUDIO_CACHE_ON_MISS: onMiss, AUDIO_CACHE_LIVE_WAIT: wait, LIVE_MAX: max } = app.config
  app.decorate('liveTranscodes', isEnabled && onMiss === 'transcode'
    ? new LiveTranscodes(app.audioCache, app.transcodeQueue, {
      maxStartMs: wait * 1000, maxWaits: max, onWaited: ms => app.answers.waited('start', ms)
    })
    : undefined)
}, { name: 'live-transcodes', dependencies: ['audio-files', 'transcode-queue', 'answers'] })
