import { join } from 'node:path'
import type { Test } from 'tap'
import { testRedis } from './redis.ts'

/** A library, a cache and a Redis of a test's own, for services that answer a miss with its transcode. */
export async function liveSite (t: Test) {
  const dir = t.testdir({ music: {}, cache: {} })
  const redis = await testRedis(t)
  const env = {
    MUSIC_ROOT: join(dir, 'music'),
    AUDIO_CACHE_DIR: join(dir, 'cache'),
    AUDIO_CACHE_MIN_FREE: '1B',
    AUDIO_CACHE_ON_MISS: 'transcode',
    AUDIO_CACHE_LIVE_WAIT: '20', // the machine may be slow; where this is what is tested, it is shorter
    REDIS_URL: redis.url
  }
  return { music: env.MUSIC_ROOT, cache: env.AUDIO_CACHE_DIR, redis, env }
}
