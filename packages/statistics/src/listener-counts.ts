import { qualities, type Quality } from '@mixtape/mp3'
import { KEY_PREFIX, type RedisClient } from '@mixtape/transcode-queue'

const KEY = `${KEY_PREFIX}:listeners`

/** A replica that has reported nothing for this time has ended. */
const TTL_S = 20

/** Listeners by what they get. */
export type ListenersByQuality = Record<Quality, number>

/** How many listeners each replica has, in Redis. */
export class ListenerCounts {
  readonly #redis: RedisClient

  constructor (redis: RedisClient) {
    this.#redis = redis
  }

  /** Must be called again within 20 seconds while there are listeners. */
  async report (replica: string, listeners: ListenersByQuality): Promise<void> {
    await this.#redis.multi()
      .set(`${KEY}:${replica}`, JSON.stringify(listeners), 'EX', TTL_S)
      .sadd(KEY, replica)
      .expire(KEY, TTL_S)
      .exec()
  }

  /** @returns the listeners of all replicas */
  async total (): Promise<ListenersByQuality> {
    const replicas = await this.#redis.smembers(KEY)
    const reports = replicas.length ? await this.#redis.mget(replicas.map(replica => `${KEY}:${replica}`)) : []
    const total = { original: 0, high: 0, medium: 0, low: 0 }
    const ended = replicas.filter((_, i) => reports[i] === null)
    if (ended.length > 0) await this.#redis.srem(KEY, ended)
    for (const report of reports) {
      const listeners = JSON.parse(report ?? '{}') as Partial<ListenersByQuality>
      for (const quality of qualities) total[quality] += listeners[quality] ?? 0
    }
    return total
  }
}
