import fp from 'fastify-plugin'
import type { Track } from '@mixtape/library'
import type { TranscodeQuality } from '@mixtape/mp3'
import { traceparent } from '@mixtape/tracing'
import { deduplicationId } from '@mixtape/transcode-queue'

declare module 'fastify' {
  interface FastifyInstance {
    /** Enqueues the transcode that a client missed, and returns at once. While Redis is away it does nothing. */
    enqueueMiss (track: Track, quality: TranscodeQuality, requestId: string): void
  }
}

/** After this time, or when its job changes, a repeated miss of a track is enqueued again. */
const REPEAT_AFTER_MS = 1000

/**
 * Enqueues misses. A client that plays an uncached track asks for many ranges of it, and each is a miss. Redis is asked
 * at most once a second for each track and quality, until its job changes. Without this, misses are answered at 0.3 to 0.4 of the rate
 * (`npm run bench serve`).
 */
export const missesPlugin = fp(async app => {
  /** Versions of the tracks that were enqueued, by deduplication id. */
  const enqueued = new Map<string, string>()
  app.transcodeEvents.listen(change => { if ('job' in change) enqueued.delete(change.job) })

  app.decorate('enqueueMiss', ({ path, version }: Track, quality: TranscodeQuality, requestId: string) => {
    const id = deduplicationId({ path, quality })
    if (enqueued.get(id) === version) return
    enqueued.set(id, version)
    app.transcodeQueue.enqueue({ path, quality, reason: 'miss', requestId, ...traceparent() }, version).then(() => {
      setTimeout(() => enqueued.delete(id), REPEAT_AFTER_MS).unref()
    }, error => {
      enqueued.delete(id)
      app.log.debug({ err: error, reqId: requestId }, 'A miss could not be enqueued')
    })
  })
}, { name: 'misses', dependencies: ['transcode-queue', 'transcode-events'] })
