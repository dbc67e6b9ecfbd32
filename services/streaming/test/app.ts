import { join } from 'node:path'
import { pino } from 'pino'
import type { Test } from 'tap'
import { readConfig } from '@mixtape/config'
import { buildApp } from '../src/app.ts'

/** The real app on a free port, with an empty library and cache unless the environment says otherwise. */
export async function build (t: Test, env: Record<string, string> = {}) {
  const dir = t.testdir({ music: {}, cache: {} })
  const MUSIC_ROOT = join(dir, 'music')
  const AUDIO_CACHE_DIR = join(dir, 'cache')
  const config = readConfig({ MUSIC_ROOT, AUDIO_CACHE_DIR, REDIS_URL: 'redis://127.0.0.1:1', ...env })
  const app = await buildApp(config, pino({ level: 'silent' }))
  t.teardown(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, url, music: MUSIC_ROOT, cache: AUDIO_CACHE_DIR }
}
