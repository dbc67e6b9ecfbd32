import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** What a scrape asks of others has to answer within this time: a Redis or a disk that hangs must not hang the scrape. */
const MAX_READ_MS = 1000

/** Gauges of prom-client whose names say that they are counters, which promtool refuses. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/**
 * What a service tells Prometheus: its own metrics, which begin with `mixtape_`, and those of Node.js (event loop, memory,
 * descriptors), which have the names that all Node.js services use.
 */
export class Metrics {
  readonly registry = new Registry()
  readonly #reads: (() => Promise<void>)[] = []

  /** @param ping rejects where Redis does not answer */
  constructor ({ service, version, ping }: { service: string, version: string, ping: () => Promise<unknown> }) {
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry })
    for (const name of MISNAMED) this.registry.removeSingleMetric(name)
    new Gauge({ name: 'mixtape_build_info', help: 'The version of the service; always 1.', labelNames: ['service', 'version'], registers })
      .set({ service, version }, 1)
    const redisUp = new Gauge({ name: 'mixtape_redis_up', help: 'Whether Redis answers this service: 1 or 0.', registers })
    this.onScrape(async () => await ping().then(() => 1), isUp => redisUp.set(isUp ?? 0))
  }

  /**
   * Reads values at each scrape.
   *
   * @param write gets what `read` resolves with; undefined where it rejects, or does not resolve within a second
   */
  onScrape<T> (read: () => Promise<T>, write: (value: T | undefined) => void): void {
    this.#reads.push(async () => write(await withinTime(read)))
  }

  /** @returns all metrics as `contentType` says */
  async text (): Promise<string> {
    await Promise.all(this.#reads.map(async read => await read()))
    return await this.registry.metrics()
  }

  get contentType (): string {
    return this.registry.contentType
  }
}

async function withinTime<T> (read: () => Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<undefined>(resolve => { timer = setTimeout(resolve, MAX_READ_MS, undefined) })
  return await Promise.race([read().catch(() => undefined), tooLate]).finally(() => clearTimeout(timer))
}
