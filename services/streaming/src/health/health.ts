import { hostname } from 'node:os'
import type { FastifyInstance } from 'fastify'
import { MAX_SKEW_MS, QueueGrowth, redisClock, redisProblem, type KnownWorker, type Problem } from '@mixtape/transcode-queue'
import { LibraryHealth } from './library-health.ts'

/** Codes of problems with which no track can be played here, or soon none. With all others, what is on the disk still plays. */
const UNAVAILABLE = new Set(['stopping', 'library_unreadable', 'library_gone'])

/** `ok`; `degraded`: everything on the disk is served, and something is wrong; `unavailable`: nothing can be played, or the replica stops. */
export interface HealthReport {
  status: 'ok' | 'degraded' | 'unavailable'
  problems: Problem[]
}

/** Finds what is wrong, from here: the library, the cache, Redis, the workers, the clocks and the queue. */
export class Health {
  readonly #app: FastifyInstance
  readonly #library: LibraryHealth
  readonly #growth: QueueGrowth
  #reporting: Promise<HealthReport> | undefined

  constructor (app: FastifyInstance) {
    this.#app = app
    this.#library = new LibraryHealth(app.config.MUSIC_ROOT, app.redis)
    this.#growth = new QueueGrowth(app.redis)
  }

  /** Concurrent callers share one report: the route is open to everyone. */
  async report (): Promise<HealthReport> {
    this.#reporting ??= this.#look().finally(() => { this.#reporting = undefined })
    return await this.#reporting
  }

  async #look (): Promise<HealthReport> {
    const found = await Promise.all([
      this.#app.isStopping ? { code: 'stopping', message: 'This replica is about to stop: ask another one.' } : undefined,
      this.#library.problem(),
      ...this.#app.config.AUDIO_CACHE_ENABLED ? [this.#cacheProblem(), this.#queueProblems()] : []
    ])
    const problems = found.flat().filter(problem => problem !== undefined)
    if (problems.length === 0) return { status: 'ok', problems }
    return { status: problems.some(({ code }) => UNAVAILABLE.has(code)) ? 'unavailable' : 'degraded', problems }
  }

  async #cacheProblem (): Promise<Problem | undefined> {
    return await this.#app.audioCache.checkWritable().then(() => undefined, () => ({
      code: 'cache_unwritable',
      message: 'AUDIO_CACHE_DIR cannot be written. Originals are played. Create it, or give this user permission.'
    }))
  }

  /** What is known in Redis. Where Redis cannot be used, nothing else is. */
  async #queueProblems (): Promise<(Problem | undefined)[]> {
    const { redis, statistics: { cacheUsage }, workers, queueMonitor } = this.#app
    const unusable = await redisProblem(redis)
    if (unusable) return [unusable]
    try {
      const [clock, known, fullReason, { waiting }] = await Promise.all([
        redisClock(redis), workers.all(), cacheUsage.fullReason(), queueMonitor.state()
      ])
      const alive = known.filter(({ isAlive }) => isAlive)
      const jobs = Object.values(waiting).reduce((sum, { jobs }) => sum + jobs, 0)
      return [
        alive.length > 0 ? undefined : noWorker(jobs),
        fullReason === undefined ? undefined : { code: 'cache_full', message: `${fullReason}. Jobs wait for space.` },
        clockSkew(clock.aheadMs, alive),
        onlyGrows(await this.#growth.look(clock.now, jobs))
      ]
    } catch {
      return [await redisProblem(redis)] // it went away meanwhile
    }
  }
}

function noWorker (waiting: number): Problem {
  const jobs = waiting > 0 ? ` ${waiting === 1 ? '1 job waits' : `${waiting} jobs wait`}.` : ''
  return { code: 'no_worker', message: `No worker is there: nothing is transcoded until one is started.${jobs}` }
}

/** Compares the clocks of this host, of Redis, and of the workers, each of which has compared its own with that of Redis. */
function clockSkew (aheadMs: number, workers: KnownWorker[]): Problem | undefined {
  const clocks = [
    { name: 'Redis', aheadMs: 0 },
    { name: hostname(), aheadMs },
    ...workers.map(({ host, clockAheadMs }) => ({ name: host, aheadMs: clockAheadMs ?? 0 }))
  ].sort((a, b) => a.aheadMs - b.aheadMs)
  const [last, first] = [clocks[0], clocks.at(-1)]
  if (!last || !first || first.aheadMs - last.aheadMs <= MAX_SKEW_MS) return undefined
  return {
    code: 'clock_skew',
    message: `The clocks of two hosts differ by ${((first.aheadMs - last.aheadMs) / 1000).toFixed(1)} s: times of jobs and files disagree. ` +
      'Let both follow a time server (systemd-timesyncd, chrony).',
    names: [`${first.name} is ahead`, `${last.name} is behind`]
  }
}

function onlyGrows (waiting: number[] | undefined): Problem | undefined {
  return waiting && {
    code: 'queue_grows',
    message: `The queue only grows: from ${waiting[0]} to ${waiting.at(-1)} waiting jobs in some minutes, more at each look. ` +
      'Start more workers, or see whether those that run stand still.'
  }
}
