import { mkdir } from 'node:fs/promises'
import fp from 'fastify-plugin'
import { AudioCache, Library } from '@mixtape/audio-cache'

declare module 'fastify' {
  interface FastifyInstance {
    library: Library
    /** The cache, whether listeners are served from it or not. */
    cacheDirectory: AudioCache
    /** The cache that listeners are served from; undefined where caching is disabled. */
    audioCache: AudioCache | undefined
  }
}

export const audioCachePlugin = fp(async app => {
  const library = new Library(app.config.MUSIC_ROOT)
  const cache = new AudioCache(app.config.AUDIO_CACHE_DIR, library, app.config.AUDIO_CACHE_TRANSCODE_EXTENSIONS)
  app.decorate('library', library)
  app.decorate('cacheDirectory', cache)
  app.decorate('audioCache', app.config.AUDIO_CACHE_ENABLED ? cache : undefined)

  try {
    await mkdir(cache.dir, { recursive: true })
  } catch (error) {
    app.log.warn(error, 'The cache directory cannot be created: originals are served')
  }
}, { name: 'audio-cache' })
