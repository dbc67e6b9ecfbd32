import fp from 'fastify-plugin'
import { Thumbnails } from '@mixtape/audio-cache'
import { Covers } from '../covers/covers.ts'
import { limitDecoders } from '../covers/render.ts'

declare module 'fastify' {
  interface FastifyInstance {
    covers: Covers
  }
}

/** Covers of tracks and folders. Their thumbnails count towards the limits of the cache. */
export const coversPlugin = fp(async app => {
  const { audioCache: cache, config, statistics: { cacheUsage } } = app
  limitDecoders()
  app.decorate('covers', new Covers({
    thumbnails: new Thumbnails(cache.dir),
    hasRoom,
    onKept: bytes => {
      cacheUsage.addFiles('cover', 1, bytes).catch(error => app.log.debug(error, 'The size of the cache was not updated'))
    },
    onError: error => app.log.warn(error, 'A cover was not kept in the cache')
  }))

  /** This service evicts nothing. Where the cache is full, covers are made anew for each request until a worker evicts. */
  async function hasRoom (bytes: number): Promise<boolean> {
    if (!config.AUDIO_CACHE_ENABLED) return false
    if (await cache.freeBytes() - bytes < config.AUDIO_CACHE_MIN_FREE) return false
    if (config.AUDIO_CACHE_MAX_SIZE === undefined) return true
    return (await cacheUsage.get() ?? 0) + bytes <= config.AUDIO_CACHE_MAX_SIZE
  }
}, { name: 'covers', dependencies: ['audio-files', 'statistics'] })
