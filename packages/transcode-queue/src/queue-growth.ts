import type { RedisClient } from './connection.ts'
import { KEY_PREFIX } from './queue.ts'

const KEY = `${KEY_PREFIX}:queue-looks`
const JUST_LOOKED = `${KEY_PREFIX}:queue-looked`

/** Shortest time between two looks of all replicas. */
const LOOK_MS = 60_000

/** Looks that are remembered. A queue that is longer at each of them only grows. */
const LOOKS = 6

/** Older looks say nothing about now. */
const MAX_AGE_MS = 15 * 60_000

/** Remembers in Redis how many jobs have waited, for some minutes. Whoever asks for the growth adds a look. */
export class QueueGrowth {
  readonly #redis: RedisClient

  constructor (redis: RedisClient) {
    this.#redis = redis
  }

  /**
   * @param now milliseconds since 1970, by the clock of Redis
   * @param waiting jobs
   * @returns how many have waited at each look, the oldest first, where they were more at each; undefined otherwise
   */
  async look (now: number, waiting: number): Promise<number[] | undefined> {
    if (await this.#redis.set(JUST_LOOKED, '1', 'PX', LOOK_MS, 'NX') !== null) {
      await this.#redis.multi().lpush(KEY, `${now} ${waiting}`).ltrim(KEY, 0, LOOKS - 1).pexpire(KEY, MAX_AGE_MS).exec()
    }
    const looks = (await this.#redis.lrange(KEY, 0, -1)).map(look => look.split(' ').map(Number) as [at: number, waiting: number])
      .filter(([at]) => now - at <= MAX_AGE_MS).reverse()
    const grows = looks.length === LOOKS && looks.every(([, jobs], i) => i === 0 || jobs > (looks[i - 1]?.[1] ?? 0))
    return grows ? looks.map(([, jobs]) => jobs) : undefined
  }
}
