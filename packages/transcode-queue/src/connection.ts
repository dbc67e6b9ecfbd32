import { Redis } from 'ioredis'
import type { Logger } from 'pino'

/**
 * A connection for those who may not wait: while Redis is away a command fails at once, and one that Redis leaves
 * unanswered fails after two seconds. It reconnects by itself for ever.
 */
export function producerConnection (url: string, log: Logger): Redis {
  return logged(new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 2000 }), log)
}

/** A connection for workers, who have nothing to do but wait until Redis is back. */
export function workerConnection (url: string, log: Logger): Redis {
  return logged(new Redis(url, { maxRetriesPerRequest: null }), log)
}

/** One line when Redis goes and one when it comes back, not one for each attempt in between. */
function logged (redis: Redis, log: Logger): Redis {
  let away = false
  redis.on('error', () => {}) // without a listener it would end the process; 'reconnecting' follows
  redis.on('reconnecting', () => {
    if (!away) log.warn('Redis is not reachable')
    away = true
  })
  redis.on('ready', () => {
    if (away) log.info('Redis is reachable')
    away = false
  })
  return redis
}
