import { KEY_PREFIX, type RedisClient } from '@mixtape/transcode-queue'

const BUCKET_MS = 10 * 60 * 1000
const DAY_S = 24 * 3600

/** Requests for a transcoded quality during a time span. */
export interface HitRate {
  /** Answered with a cached file. */
  hits: number
  /** Answered with something else because the file was not cached yet. */
  misses: number
  /** Share of hits, from 0 to 1; null where there were no requests. */
  rate: number | null
}

/** Hits and misses of all replicas in Redis, in buckets of ten minutes that expire after 25 hours, and bytes saved. */
export class HitRates {
  readonly #redis: RedisClient

  constructor (redis: RedisClient) {
    this.#redis = redis
  }

  /** @param counts.bytesSaved sizes of originals minus sizes of their transcodes, for tracks that were started */
  async count ({ hits, misses, bytesSaved }: { hits: number, misses: number, bytesSaved: number }): Promise<void> {
    const key = bucketKey(Date.now())
    const commands = this.#redis.multi().hincrby(key, 'hit', hits).hincrby(key, 'miss', misses).expire(key, DAY_S + 3600)
    if (bytesSaved) commands.incrby(`${KEY_PREFIX}:bytes-saved`, bytesSaved)
    await commands.exec()
  }

  /** @returns bytes saved since the first start */
  async bytesSaved (): Promise<number> {
    return Number(await this.#redis.get(`${KEY_PREFIX}:bytes-saved`) ?? 0)
  }

  /** @param ms length of the time span until now in milliseconds, at most a day */
  async since (ms: number): Promise<HitRate> {
    const now = Date.now()
    const keys = Array.from({ length: Math.ceil(ms / BUCKET_MS) }, (_, back) => bucketKey(now - back * BUCKET_MS))
    const buckets = await Promise.all(keys.map(key => this.#redis.hgetall(key)))
    const sum = (name: string) => buckets.reduce((total, bucket) => total + Number(bucket[name] ?? 0), 0)
    const [hits, misses] = [sum('hit'), sum('miss')]
    return { hits, misses, rate: hits + misses ? hits / (hits + misses) : null }
  }
}

function bucketKey (time: number): string {
  return `${KEY_PREFIX}:requests:${Math.floor(time / BUCKET_MS)}`
}
