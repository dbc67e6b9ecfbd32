import type { RedisClient } from './connection.ts'

/** The clocks of hosts differ: that of Redis is the same for all. @returns milliseconds since 1970 */
export async function redisTime (redis: RedisClient): Promise<number> {
  const [seconds = 0, microseconds = 0] = await redis.time()
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
}
