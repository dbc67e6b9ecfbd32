import fp from 'fastify-plugin'
import type { TranscodeQuality } from '@mixtape/audio-cache'

declare module 'fastify' {
  interface FastifyInstance {
    playCounts: PlayCounts
  }
}

/** Redis is told this often. */
const INTERVAL_MS = 1000

/** A file that was not listened to for this long is told at once, since eviction might be about to take it. */
const NEWS_MS = 10_000

/** One answer with audio in it. */
export interface Play {
  path: string
  /** Whether the track was begun, and not sought in. */
  isStart: boolean
  outcome: 'original' | 'hit' | 'miss'
  /** Of a transcode: where it is, its level, and by how many bytes it is smaller than the original. */
  transcode?: { cachedPath: string, quality: TranscodeQuality, bytesSaved: number }
}

/** What eviction, warming and the hit rate go by. Nobody waits for it, and where Redis is away it is lost. */
class PlayCounts {
  readonly #tell: (counts: Counts) => Promise<unknown>
  #counts = noCounts()
  #timer: NodeJS.Timeout | undefined
  /** Files that Redis has heard of lately. */
  readonly #told = new Set<string>()

  constructor (tell: (counts: Counts) => Promise<unknown>) {
    this.#tell = tell
  }

  add ({ path, isStart, outcome, transcode }: Play): void {
    const { starts, qualities, touched, requests } = this.#counts
    if (isStart) increment(starts, path)
    let isNews = false
    if (transcode) {
      isNews = !this.#told.has(transcode.cachedPath)
      touched.add(transcode.cachedPath)
      if (isStart) {
        increment(qualities, transcode.quality)
        requests.bytesSaved += transcode.bytesSaved
      }
    }
    if (outcome === 'hit') requests.hits++
    if (outcome === 'miss') requests.misses++
    if (isNews) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    this.#timer ??= setTimeout(async () => { await this.flush() }, isNews ? 0 : INTERVAL_MS).unref()
  }

  /** Tells Redis now. */
  async flush (): Promise<void> {
    if (!this.#timer) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    const counts = this.#counts
    this.#counts = noCounts()
    if (this.#told.size === 0) setTimeout(() => this.#told.clear(), NEWS_MS).unref()
    for (const path of counts.touched) this.#told.add(path)
    await this.#tell(counts)
  }
}

interface Counts {
  starts: Map<string, number>
  qualities: Map<TranscodeQuality, number>
  touched: Set<string>
  requests: { hits: number, misses: number, bytesSaved: number }
}

function noCounts (): Counts {
  return { starts: new Map(), qualities: new Map(), touched: new Set(), requests: { hits: 0, misses: 0, bytesSaved: 0 } }
}

function increment<Name> (counts: Map<Name, number>, name: Name): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

export const playCountsPlugin = fp(async app => {
  const counts = new PlayCounts(async ({ starts, qualities, touched, requests }) => {
    const told = await Promise.allSettled([
      starts.size && app.plays.count(starts),
      qualities.size && app.plays.countQualities(qualities),
      touched.size && app.plays.touch(touched),
      (requests.hits || requests.misses) && app.hitRates.count(requests)
    ])
    const failed = told.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined
    if (failed) app.log.debug(failed.reason, 'Plays were not counted')
  })
  app.decorate('playCounts', counts)
  // Before the connection to Redis goes.
  app.addHook('preClose', async () => { await counts.flush() })
}, { name: 'play-counts', dependencies: ['transcode-queue'] })
