import type { FastifyInstance } from 'fastify'
import { failedOverview } from './failed.ts'
import { queueOverview, workersOverview } from './queue.ts'
import { SharedResult } from './shared-result.ts'
import { longSpans, trafficOverview, type LongSpans } from './traffic.ts'

/** Failures that are listed. GET /admin/failed has all. */
const MAX_FAILURES = 100

/** What is too much work for every second. */
interface SharedResults {
  cacheStats: SharedResult<Awaited<ReturnType<FastifyInstance['cacheOverview']['stats']>>>
  longSpans: SharedResult<LongSpans>
}

/** Collects all that the page at /admin/ shows. All clients that watch share it. */
export class Overview {
  readonly #app: FastifyInstance
  readonly #shared: SharedResults
  #reading: ReturnType<typeof readSections> | undefined

  constructor (app: FastifyInstance) {
    this.#app = app
    this.#shared = {
      cacheStats: new SharedResult(async () => await app.cacheOverview.stats()),
      longSpans: new SharedResult(async () => await longSpans(app))
    }
  }

  /** @returns the body of GET /admin/overview; what is only known in Redis is null while it is away */
  async read () {
    this.#reading ??= readSections(this.#app, this.#shared).finally(() => { this.#reading = undefined })
    return await this.#reading
  }
}

async function readSections (app: FastifyInstance, shared: SharedResults) {
  await app.playCounts.flush()
  const isReachable = await app.redis.ping().then(() => true, () => false)
  const known = async <T> (section: () => Promise<T>) => isReachable ? await section().catch(() => null) : null
  const [health, queue, workers, failed, cache, listeners, traffic] = await Promise.all([
    app.health.report(),
    known(() => queueOverview(app)),
    known(() => workersOverview(app)),
    known(() => failedOverview(app, { limit: MAX_FAILURES })),
    shared.cacheStats.read(),
    known(() => app.statistics.listenerCounts.total()),
    known(() => trafficOverview(app, shared.longSpans))
  ])
  return {
    health,
    redis: isReachable,
    queue,
    workers: workers?.workers ?? null,
    failed,
    cache,
    listeners,
    traffic
  }
}
