import type { FastifyInstance } from 'fastify'
import { failedOverview } from './failed.ts'
import { queueOverview, workersOverview } from './queue.ts'
import { Remembered } from './remembered.ts'
import { trafficOverview } from './traffic.ts'

/** Failures that are listed. GET /admin/failed has all. */
const MAX_FAILURES = 100

type CacheStats = Awaited<ReturnType<FastifyInstance['cacheOverview']['stats']>>

/** Collects all that the page at /admin/ shows. All clients that watch share it. */
export class Overview {
  readonly #app: FastifyInstance
  readonly #cacheStats: Remembered<CacheStats>
  #reading: ReturnType<typeof readSections<CacheStats>> | undefined

  constructor (app: FastifyInstance) {
    this.#app = app
    this.#cacheStats = new Remembered(async () => await app.cacheOverview.stats())
  }

  /** @returns the body of GET /admin/overview; what is only known in Redis is null while it is away */
  async read () {
    this.#reading ??= readSections(this.#app, () => this.#cacheStats.read()).finally(() => { this.#reading = undefined })
    return await this.#reading
  }
}

async function readSections<Stats> (app: FastifyInstance, cacheStats: () => Promise<Stats>) {
  await app.playCounts.flush()
  const isReachable = await app.redis.ping().then(() => true, () => false)
  const known = async <T> (section: () => Promise<T>) => isReachable ? await section().catch(() => null) : null
  const [health, queue, workers, failed, cache, listeners, traffic] = await Promise.all([
    app.health.report(),
    known(() => queueOverview(app)),
    known(() => workersOverview(app)),
    known(() => failedOverview(app)),
    cacheStats(),
    known(() => app.statistics.listenerCounts.total()),
    known(() => trafficOverview(app))
  ])
  return {
    health,
    redis: isReachable,
    queue,
    workers: workers?.workers ?? null,
    failed: failed && { jobs: failed.jobs.slice(0, MAX_FAILURES), sources: failed.sources.slice(0, MAX_FAILURES) },
    cache,
    listeners,
    traffic
  }
}
