import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { KEY_PREFIX, type RedisClient } from '@mixtape/transcode-queue'

/** The lock of a worker that died is free after this time, in milliseconds. */
const TTL_MS = 10_000

const RENEW = 'if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) end return 0'

const RELEASE = 'if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0'

/**
 * Runs an action that only one worker may run at a time. It waits until it has the lock.
 *
 * @param signal ends the wait, which rejects then; an action that has begun goes on
 */
export async function withLock<T> (
  redis: RedisClient, name: string, signal: AbortSignal, action: () => Promise<T>
): Promise<T> {
  const key = `${KEY_PREFIX}:lock:${name}`
  const token = randomUUID()
  while (await redis.set(key, token, 'PX', TTL_MS, 'NX') === null) await setTimeout(100, undefined, { signal })
  const renewal = setInterval(() => { redis.eval(RENEW, 1, key, token, TTL_MS).catch(() => {}) }, TTL_MS / 4)
  try {
    return await action()
  } finally {
    clearInterval(renewal)
    await redis.eval(RELEASE, 1, key, token)
  }
}
