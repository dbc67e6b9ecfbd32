import { access, constants } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'

/** For orchestrators: is the process alive, and can it serve? */
export async function healthRoutes (app: FastifyInstance) {
  app.get('/health/live', async () => ({ status: 'ok' }))

  app.get('/health/ready', async (request, reply) => {
    const [library, cache, redis] = await Promise.all([
      check(access(app.config.MUSIC_ROOT, constants.R_OK | constants.X_OK), 'not readable'),
      check(app.audioCache?.checkWritable(), 'not writable'),
      check(app.config.AUDIO_CACHE_ENABLED ? app.pingRedis() : undefined, 'not reachable')
    ])
    const full = redis === 'ok' ? await app.cacheUsage.whyFull().catch(() => undefined) : undefined
    const unready = library !== 'ok' || cache !== 'ok'
    // Without Redis, or without room, everything on the disk is served; only what is missed does not come.
    const status = unready ? 'unready' : redis === 'ok' && !full ? 'ok' : 'degraded'
    reply.code(unready ? 503 : 200)
    return { status, checks: { music_root: library, cache: full ?? cache, redis } }
  })
}

async function check (wish: Promise<unknown> | undefined, failure: string): Promise<string> {
  try {
    await wish
    return 'ok'
  } catch {
    return failure
  }
}
