import { mkdir } from 'node:fs/promises'
import fp from 'fastify-plugin'
import { AudioCache } from '@mixtape/audio-cache'
import { Library } from '@mixtape/library'

declare module 'fastify' {
  interface FastifyInstance {
    library: Library
    audioCache: AudioCache
  }
}

/** The originals and the cached MP3s. */
export const audioFilesPlugin = fp(async app => {
  const library = new Library(app.config.MUSIC_ROOT)
  const cache = new AudioCache(app.config.AUDIO_CACHE_DIR, library, app.config.AUDIO_CACHE_TRANSCODE_EXTENSIONS)
  app.decorate('library', library)
  app.decorate('audioCache', cache)
  try {
    await mkdir(cache.dir, { recursive: true })
  } catch (error) {
    app.log.warn(error, 'The cache directory cannot be created: originals are served')
  }
}, { name: 'audio-files' })
