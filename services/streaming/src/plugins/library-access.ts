import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { TrackEntries } from '../library/track-entries.ts'
import { TreeSearch } from '../library/tree-search.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook for routes that tell what the library contains (LIBRARY_ACCESS). */
    requireLibraryAccess (request: FastifyRequest, reply: FastifyReply): Promise<void>
    trackEntries: TrackEntries
    treeSearch: TreeSearch
  }
}

/** What the library contains, and who may see it. */
export const libraryAccessPlugin = fp(async app => {
  const { LIBRARY_ACCESS: access, AUDIO_CACHE_ENABLED: isCacheEnabled } = app.config
  app.decorate('requireLibraryAccess', async (request: FastifyRequest, reply: FastifyReply) => {
    if (access === 'admin') await app.requireAdmin(request, reply)
  })
  app.decorate('trackEntries', new TrackEntries(app.library, isCacheEnabled ? app.audioCache : undefined))
  app.decorate('treeSearch', new TreeSearch(app.library))
}, { name: 'library-access', dependencies: ['admin-auth', 'audio-files'] })
