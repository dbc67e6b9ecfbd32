import { redisClock } from './clock.ts'
import type { RedisClient } from './connection.ts'
import { KEY_PREFIX } from './queue.ts'

const KEY = `${KEY_PREFIX}:workers`
const DRAINING = `${KEY_PREFIX}:workers-draining`

/** How often a worker tells that it lives. */
export const HEARTBEAT_MS = 5000

/** A worker that was not heard of for this time is taken for dead. */
const ALIVE_MS = 3 * HEARTBEAT_MS

/** A worker that died is listed for this time, so that an operator can see that one is missing. */
const LISTED_MS = 60_000

/** What a worker tells about itself. */
export interface Heartbeat {
  /** Unique among all workers. */
  id: string
  host: string
  pid: number
  version: string
  concurrency: number
  /** Milliseconds since 1970. */
  startedAt: number
  /** Running jobs: path and quality. */
  running: { path: string, quality: string }[]
  /** An operator has told it to take no more jobs. */
  isDraining: boolean
}

/** A worker as others know it. */
export interface KnownWorker extends Heartbeat {
  /** Milliseconds since 1970, by the clock of Redis. */
  lastHeardOf: number
  /** By how much its clock is ahead of that of Redis at least, in milliseconds; absent from workers before 0.8. */
  clockAheadMs?: number
  isAlive: boolean
}

/** What workers tell about themselves, in Redis. */
export class WorkerHeartbeats {
  readonly #redis: RedisClient

  constructor (redis: RedisClient) {
    this.#redis = redis
  }

  /** @returns whether the worker must take no more jobs */
  async beat (heartbeat: Heartbeat): Promise<boolean> {
    const { now, aheadMs } = await redisClock(this.#redis)
    const results = await this.#redis.multi()
      .sismember(DRAINING, heartbeat.id)
      .hset(KEY, heartbeat.id, JSON.stringify({ ...heartbeat, lastHeardOf: now, clockAheadMs: aheadMs }))
      .pexpire(KEY, LISTED_MS)
      .exec()
    return results?.[0]?.[1] === 1
  }

  /**
   * Tells a worker to take no more jobs, or to take jobs again. It hears that with its next beat.
   *
   * @returns whether there is such a worker
   */
  async setDraining (id: string, isDraining: boolean): Promise<boolean> {
    if (await this.#redis.hexists(KEY, id) === 0) return false
    if (isDraining) await this.#redis.sadd(DRAINING, id)
    else await this.#redis.srem(DRAINING, id)
    return true
  }

  /** Removes a worker that stops. */
  async leave (id: string): Promise<void> {
    await this.#redis.multi().hdel(KEY, id).srem(DRAINING, id).exec()
  }

  /** @returns the workers of the last minute; those that were not heard of for 15 seconds are not alive */
  async all (): Promise<KnownWorker[]> {
    const [{ now }, values] = await Promise.all([redisClock(this.#redis), this.#redis.hvals(KEY)])
    const workers = values.map(value => JSON.parse(value) as KnownWorker)
    const gone = workers.filter(({ lastHeardOf }) => now - lastHeardOf > LISTED_MS)
    for (const { id } of gone) await this.leave(id)
    return workers.filter(worker => !gone.includes(worker))
      .map(worker => ({ ...worker, isAlive: now - worker.lastHeardOf <= ALIVE_MS }))
      .sort((a, b) => a.startedAt - b.startedAt)
  }
}
