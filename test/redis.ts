import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startRedis } from '../scripts/redis.js'

/** A Redis of a test's own, which ends with the test. */
export async function testRedis (t: Test, options: { port?: number } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'test-redis-'))
  const redis = await startRedis({ dir, ...options })
  t.teardown(async () => {
    await redis.stop()
    await rm(dir, { recursive: true })
  })
  return redis
}
