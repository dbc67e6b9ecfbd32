import type { Redis } from 'ioredis'
import { KEY_PREFIX } from './queue.ts'

const BYTES = `${KEY_PREFIX}:cache:bytes`
const FULL = `${KEY_PREFIX}:cache:full`
const EVICTED = `${KEY_PREFIX}:cache:evicted`
/** How long the word that the cache is full is believed, in seconds: a job that waits for room says it again sooner. */
const FULL_TTL = 90

/** Why cached files go: room for another, too little left on the file system, too old, or no source any more. */
export type EvictionReason = 'size' | 'free' | 'age' | 'orphan'

/**
 * How many bytes the cache holds, so that a limit costs one question to Redis and not a walk over a million files. The
 * truth is on the disk; every walk that is made anyway sets this right again.
 */
export class CacheUsage {
  readonly #redis: Redis

  constructor (redis: Redis) {
    this.#redis = redis
  }

  /** @returns undefined where nobody has counted yet */
  async get (): Promise<number | undefined> {
    const bytes = await this.#redis.get(BYTES)
    return bytes === null ? undefined : Number(bytes)
  }

  async set (bytes: number): Promise<void> {
    await this.#redis.set(BYTES, bytes)
  }

  /** @returns the bytes with these; a cache that nobody has counted stays uncounted */
  async add (bytes: number): Promise<number> {
    const script = 'if redis.call("exists", KEYS[1]) == 1 then return redis.call("incrby", KEYS[1], ARGV[1]) end return -1'
    return await this.#redis.eval(script, 1, BYTES, bytes) as number
  }

  async evicted (reason: EvictionReason, files: number): Promise<void> {
    if (files) await this.#redis.hincrby(EVICTED, reason, files)
  }

  /** @returns files that went so far, by reason */
  async evictions (): Promise<Record<EvictionReason, number>> {
    const counts = await this.#redis.hgetall(EVICTED)
    const reasons: EvictionReason[] = ['size', 'free', 'age', 'orphan']
    return Object.fromEntries(reasons.map(reason => [reason, Number(counts[reason] ?? 0)])) as Record<EvictionReason, number>
  }

  /** Says, for health, that jobs wait for room; it is forgotten unless it is said again. */
  async full (reason: string): Promise<void> {
    await this.#redis.set(FULL, reason, 'EX', FULL_TTL)
  }

  async notFull (): Promise<void> {
    await this.#redis.del(FULL)
  }

  /** @returns why jobs wait for room, if they do */
  async whyFull (): Promise<string | undefined> {
    return await this.#redis.get(FULL) ?? undefined
  }
}
