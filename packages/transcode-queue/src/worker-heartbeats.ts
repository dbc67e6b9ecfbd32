import type { RedisClient } from './connection.ts'
import { KEY_PREFIX } from './queue.ts'

const KEY = `${KEY_PREFIX}:workers`

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
}

/** A worker as others know it. */
export interface KnownWorker extends Heartbeat {
  /** Milliseconds since 1970, by the clock of Redis. */
  lastHeardOf: number
  isAlive: boolean
}

/** What workers tell about themselves, in Redis. */
export class WorkerHeartbeats {
  readonly #redis: RedisClient

  constructor (redis: RedisClient) {
    this.#redis = redis
  }

  async beat (heartbeat: Heartbeat): Promise<void> {
    const now = await this.#now()
    await this.#redis.multi()
      .hset(KEY, heartbeat.id, JSON.stringify({ ...heartbeat, lastHeardOf: now }))
      .pexpire(KEY, LISTED_MS)
      .exec()
  }

  /** Removes a worker that stops. */
  async leave (id: string): Promise<void> {
    await this.#redis.hdel(KEY, id)
  }

  /** @returns the workers of the last minute; those that were not heard of for 15 seconds are not alive */
  async all (): Promise<KnownWorker[]> {
    const [now, values] = await Promise.all([this.#now(), this.#redis.hvals(KEY)])
    const workers = values.map(value => JSON.parse(value) as KnownWorker)
    const gone = workers.filter(({ lastHeardOf }) => now - lastHeardOf > LISTED_MS)
    if (gone.length) await this.#redis.hdel(KEY, ...gone.map(({ id }) => id))
    return workers.filter(worker => !gone.includes(worker))
      .map(worker => ({ ...worker, isAlive: now - worker.lastHeardOf <= ALIVE_MS }))
      .sort((a, b) => a.startedAt - b.startedAt)
  }

  /** The clocks of hosts differ: that of Redis is the same for all. */
  async #now (): Promise<number> {
    const [seconds = 0, microseconds = 0] = await this.#redis.time()
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
  }
}
