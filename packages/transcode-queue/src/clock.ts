import type { RedisClient } from './connection.ts'

/** Clocks of hosts that are further apart, in milliseconds, make the times of jobs and files disagree. */
export const MAX_SKEW_MS = 1000

/** The clocks of hosts differ: that of Redis is the same for all. */
export interface RedisClock {
  /** Milliseconds since 1970, by the clock of Redis. */
  now: number
  /**
   * By how much the clock of this host is ahead of that of Redis at least, in milliseconds; negative where it is behind. It is
   * 0 where the difference is less than the time that Redis took to answer.
   */
  aheadMs: number
}

export async function redisClock (redis: RedisClient): Promise<RedisClock> {
  const before = Date.now()
  const [seconds = 0, microseconds = 0] = await redis.time()
  const now = Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
  const [least, most] = [before - now, Date.now() - now]
  return { now, aheadMs: least > 0 ? least : Math.min(most, 0) }
}
