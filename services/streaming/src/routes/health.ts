import { access, constants } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'

const readySchema = (examples: object[], description: string) => Type.Object({
  status: Type.String({ enum: ['ok', 'degraded', 'unready'] }),
  checks: Type.Object({ music_root: Type.String(), cache: Type.String(), redis: Type.String() }, {
    additionalProperties: Type.String(), description: 'ok, or what is wrong'
  })
}, { description, examples })

/** GET /health/live: does the process run? GET /health/ready: can it serve, and what is missing? */
export async function healthRoutes (app: FastifyInstance) {
  const { MUSIC_ROOT: musicRoot, AUDIO_CACHE_ENABLED: isCacheEnabled } = app.config

  app.get('/health/live', {
    schema: {
      tags: ['health'],
      summary: 'Whether the process runs',
      response: { 200: Type.Object({ status: Type.Literal('ok') }, { examples: [{ status: 'ok' }] }) }
    }
  }, async () => ({ status: 'ok' }))

  app.get('/health/ready', {
    schema: {
      tags: ['health'],
      summary: 'Whether it can serve, and what is missing',
      description: '`degraded`: no Redis, or no space in the cache; only new transcodes are missing.',
      response: {
        200: readySchema([{ status: 'ok', checks: { music_root: 'ok', cache: 'ok', redis: 'ok' } }], 'It can serve'),
        503: readySchema([{ status: 'unready', checks: { music_root: 'not readable', cache: 'ok', redis: 'ok' } }], 'It cannot serve, or is about to stop')
      }
    }
  }, async (request, reply) => {
    const [library, cache, redis] = await Promise.all([
      check(access(musicRoot, constants.R_OK | constants.X_OK), 'not readable'),
      check(isCacheEnabled ? app.audioCache.checkWritable() : undefined, 'not writable'),
      check(isCacheEnabled ? app.redis.ping() : undefined, 'not reachable')
    ])
    const fullReason = redis === 'ok' ? await app.statistics.cacheUsage.fullReason().catch(() => undefined) : undefined
    const isUnready = app.isStopping || library !== 'ok' || cache !== 'ok'
    // Without Redis, or without space in the cache, all files on the disk are served. Only new transcodes are not made.
    const status = isUnready ? 'unready' : redis === 'ok' && !fullReason ? 'ok' : 'degraded'
    reply.code(isUnready ? 503 : 200)
    const checks = { music_root: library, cache: fullReason ?? cache, redis }
    return { status, checks: app.isStopping ? { ...checks, replica: 'stopping' } : checks }
  })
}

/** @returns 'ok', or `failure` where the promise rejects */
async function check (promise: Promise<unknown> | undefined, failure: string): Promise<string> {
  try {
    await promise
    return 'ok'
  } catch {
    return failure
  }
}
