import { qualities, type Quality } from '@mixtape/mp3'
import { KEY_PREFIX, type RedisClient } from '@mixtape/transcode-queue'

const MINUTE_MS = 60_000

/** The time spans that are kept, each in buckets of its own: 324 in all. */
export const spans = {
  hour: { bucketMs: MINUTE_MS, buckets: 60 },
  day: { bucketMs: 10 * MINUTE_MS, buckets: 144 },
  month: { bucketMs: 6 * 60 * MINUTE_MS, buckets: 120 }
}

export type Span = keyof typeof spans

/** What was played and sent during a time. */
export interface TrafficCounts {
  /** Plays at a transcoded quality that started with a cached file. Seeks and other later requests count no more. */
  hits: number
  /** Those that started with something else, because the file was not cached yet. */
  misses: number
  /** Sizes of originals minus sizes of their transcodes, for tracks that were started. */
  bytesSaved: number
  /** Bytes sent to clients, by what they got. */
  bytesSent: Record<Quality, number>
}

/** The plays and bytes of all replicas, in Redis, in buckets that expire. */
export class Traffic {
  readonly #redis: RedisClient

  constructor (redis: RedisClient) {
    this.#redis = redis
  }

  async count ({ hits, misses, bytesSaved, bytesSent }: TrafficCounts): Promise<void> {
    const fields = { hits, misses, saved: bytesSaved, ...bytesSent }
    const commands = this.#redis.multi()
    for (const { bucketMs, buckets } of Object.values(spans)) {
      const key = bucketKey(bucketMs, Math.floor(Date.now() / bucketMs))
      for (const [field, number] of Object.entries(fields)) if (number) commands.hincrby(key, field, number)
      commands.expire(key, (buckets + 1) * bucketMs / 1000)
    }
    if (bytesSaved) commands.incrby(`${KEY_PREFIX}:bytes-saved`, bytesSaved)
    await commands.exec()
  }

  /** @returns bytes saved since the first start */
  async bytesSaved (): Promise<number> {
    return Number(await this.#redis.get(`${KEY_PREFIX}:bytes-saved`) ?? 0)
  }

  /** @returns the buckets of a time span, the oldest first; `time` is their start in milliseconds since 1970 */
  async series (span: Span): Promise<(TrafficCounts & { time: number })[]> {
    const { bucketMs, buckets } = spans[span]
    const last = Math.floor(Date.now() / bucketMs)
    const numbers = Array.from({ length: buckets }, (_, index) => last - buckets + 1 + index)
    const stored = await Promise.all(numbers.map(number => this.#redis.hgetall(bucketKey(bucketMs, number))))
    return stored.map((fields, index) => ({ time: (numbers[index] ?? 0) * bucketMs, ...parse(fields) }))
  }
}

/** @returns the sum of some buckets */
export function sumOf (buckets: TrafficCounts[]): TrafficCounts {
  const sum = parse({})
  for (const { hits, misses, bytesSaved, bytesSent } of buckets) {
    sum.hits += hits
    sum.misses += misses
    sum.bytesSaved += bytesSaved
    for (const quality of qualities) sum.bytesSent[quality] += bytesSent[quality]
  }
  return sum
}

/** @returns the share of hits, from 0 to 1; null where there were no plays */
export function hitRate ({ hits, misses }: Pick<TrafficCounts, 'hits' | 'misses'>): number | null {
  return hits + misses ? hits / (hits + misses) : null
}

function parse (fields: Record<string, string>): TrafficCounts {
  const number = (name: string) => Number(fields[name] ?? 0)
  return {
    hits: number('hits'),
    misses: number('misses'),
    bytesSaved: number('saved'),
    bytesSent: Object.fromEntries(qualities.map(quality => [quality, number(quality)])) as Record<Quality, number>
  }
}

function bucketKey (bucketMs: number, number: number): string {
  return `${KEY_PREFIX}:traffic:${bucketMs / MINUTE_MS}:${number}`
}
