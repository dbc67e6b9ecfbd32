import type { Redis } from 'ioredis'
import { KEY_PREFIX } from './queue.ts'

const BUCKET_MS = 10 * 60 * 1000
const DAY_S = 24 * 3600

/** Requests at a quality that were answered out of the cache, or could have been, over some time. */
export interface HitRate {
  hits: number
  misses: number
  /** From 0 to 1; null where there were none. */
  rate: number | null
}

/** Hits and misses of all replicas, in pieces of ten minutes that Redis forgets after a day. */
export class HitRates {
  readonly #redis: Redis

  constructor (redis: Redis) {
    this.#redis = redis
  }

  /** @param counts.bytesSaved by which the transcodes are smaller than the originals, for tracks that were begun */
  async count ({ hits, misses, bytesSaved }: { hits: number, misses: number, bytesSaved: number }): Promise<void> {
    const key = keyOf(Date.now())
    const commands = this.#redis.multi().hincrby(key, 'hit', hits).hincrby(key, 'miss', misses).expire(key, DAY_S + 3600)
    if (bytesSaved) commands.incrby(`${KEY_PREFIX}:bytes-saved`, bytesSaved)
    await commands.exec()
  }

  async bytesSaved (): Promise<number> {
    return Number(await this.#redis.get(`${KEY_PREFIX}:bytes-saved`) ?? 0)
  }

  /** @param ms how far back, in milliseconds: a day at most */
  async since (ms: number): Promise<HitRate> {
    const now = Date.now()
    const keys = Array.from({ length: Math.ceil(ms / BUCKET_MS) }, (_, back) => keyOf(now - back * BUCKET_MS))
    const buckets = await Promise.all(keys.map(key => this.#redis.hgetall(key)))
    const sum = (name: string) => buckets.reduce((total, bucket) => total + Number(bucket[name] ?? 0), 0)
    const [hits, misses] = [sum('hit'), sum('miss')]
    return { hits, misses, rate: hits + misses ? hits / (hits + misses) : null }
  }
}

function keyOf (time: number): string {
  return `${KEY_PREFIX}:requests:${Math.floor(time / BUCKET_MS)}`
}
