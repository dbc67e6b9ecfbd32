import { Redis } from 'ioredis'
import type { Logger } from 'pino'

/**
 * Connects for code that must not wait. While Redis is away a command fails at once. A command that gets no reply
 * fails after two seconds. The connection reconnects by itself, without limit.
 */
export function producerConnection (url: string, log: Logger): Redis {
  return withLog(new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 2000 }), log)
}

/** Connects for code that can wait, such as the workers: a command waits until Redis is back. */
export function workerConnection (url: string, log: Logger): Redis {
  return withLog(new Redis(url, { maxRetriesPerRequest: null }), log)
}

/** Logs one line when Redis goes away and one when it comes back, not one for each attempt to reconnect. */
function withLog (redis: Redis, log: Logger): Redis {
  let isAway = false
  redis.on('error', () => {}) // without a listener the process would end; 'reconnecting' follows
  redis.on('reconnecting', () => {
    if (!isAway) log.warn('Redis is not reachable')
    isAway = true
  })
  redis.on('ready', () => {
    if (isAway) log.info('Redis is reachable')
    isAway = false
  })
  return redis
}
