import type { FastifyInstance } from 'fastify'
import { failedOverview } from './failed.ts'
import { queueOverview, workersOverview } from './queue.ts'
import { trafficOverview } from './traffic.ts'

/** Failures that are listed. GET /admin/failed has all. */
const MAX_FAILURES = 100

/** The cache is counted again after this time, or after twenty times of what the last walk took. */
const RECOUNT_MS = 5000

type CacheStats = Awaited<ReturnType<FastifyInstance['cacheOverview']['stats']>>

/** Collects all that the page at /admin/ shows. All clients that watch share it. */
export class Overview {
  readonly #app: FastifyInstance
  #reading: ReturnType<typeof readSections<CacheStats>> | undefined
  #cache: { stats: Promise<CacheStats>, until: number } | undefined

  constructor (app: FastifyInstance) {
    this.#app = app
  }

  /** @returns the body of GET /admin/overview; what is only known in Redis is null while it is away */
  async read () {
    this.#reading ??= readSections(this.#app, () => this.#cacheStats()).finally(() => { this.#reading = undefined })
    return await this.#reading
  }

  async #cacheStats () {
    if (!this.#cache || performance.now() > this.#cache.until) {
      const started = performance.now()
      const stats = this.#app.cacheOverview.stats()
      const counted = this.#cache = { stats, until: Infinity }
      await stats.finally(() => { counted.until = performance.now() + Math.max(RECOUNT_MS, 20 * (performance.now() - started)) }).catch(() => {})
    }
    return await this.#cache.stats
  }
}

async function readSections<Stats> (app: FastifyInstance, cacheStats: () => Promise<Stats>) {
  await app.playCounts.flush()
  const isReachable = await app.redis.ping().then(() => true, () => false)
  const known = async <T> (section: () => Promise<T>) => isReachable ? await section().catch(() => null) : null
  const [queue, workers, failed, cache, cacheFull, listeners, traffic] = await Promise.all([
    known(() => queueOverview(app)),
    known(() => workersOverview(app)),
    known(() => failedOverview(app)),
    cacheStats(),
    known(async () => await app.statistics.cacheUsage.fullReason() ?? null),
    known(() => app.statistics.listenerCounts.total()),
    known(() => trafficOverview(app))
  ])
  return {
    redis: isReachable,
    queue,
    workers: workers?.workers ?? null,
    failed: failed && { jobs: failed.jobs.slice(0, MAX_FAILURES), sources: failed.sources.slice(0, MAX_FAILURES) },
    cache,
    cache_full: cacheFull,
    listeners,
    traffic
  }
}
