import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { KEY_PREFIX } from './queue.ts'

/** The lock of a worker that dies is free after this many milliseconds. */
const TTL_MS = 10_000

const RELEASE = 'if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0'

/** Runs something that only one worker may do at a time; the others wait for their turn. */
export async function withLock<T> (redis: Redis, name: string, action: () => Promise<T>): Promise<T> {
  const key = `${KEY_PREFIX}:lock:${name}`
  const token = randomUUID()
  while (await redis.set(key, token, 'PX', TTL_MS, 'NX') === null) await setTimeout(100)
  const renewal = setInterval(() => { redis.pexpire(key, TTL_MS).catch(() => {}) }, TTL_MS / 4)
  try {
    return await action()
  } finally {
    clearInterval(renewal)
    await redis.eval(RELEASE, 1, key, token)
  }
}
