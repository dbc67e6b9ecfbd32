import type { Mixtape } from '@mixtape/mixtapes'
import { transcodeQualities, type TranscodeQuality } from '@mixtape/mp3'
import type { TrackStores } from './precache.ts'
import { isReady, isSettled, trackReadiness, type TrackReadiness } from './track-readiness.ts'

/** Tracks whose state is looked up concurrently. */
const BATCH_SIZE = 20

/** Progress of a mixtape, in the fields that mixtape-society's page reads, and the number of ready tracks per quality. */
export interface Progress {
  task_id: string
  step: 'caching'
  status: 'in_progress' | 'completed' | 'failed'
  message: string
  /** Tracks that are settled at all wanted qualities. */
  current: number
  total: number
  /** ISO 8601. */
  timestamp: string
  ready: Record<TranscodeQuality, number>
}

export interface ReadinessOptions extends TrackStores {
  /** Qualities at which the tracks should be cached. */
  wanted: TranscodeQuality[]
}

/** State of all tracks of one mixtape. */
export class MixtapeReadiness {
  readonly #mixtape: Mixtape
  readonly #options: ReadinessOptions
  readonly #tracks = new Map<string, TrackReadiness>()

  /** Looks up the state of every track. */
  static async of (mixtape: Mixtape, options: ReadinessOptions): Promise<MixtapeReadiness> {
    const readiness = new MixtapeReadiness(mixtape, options)
    const paths = [...new Set(mixtape.tracks)]
    for (let start = 0; start < paths.length; start += BATCH_SIZE) {
      await Promise.all(paths.slice(start, start + BATCH_SIZE).map(async path => {
        readiness.#tracks.set(path, await trackReadiness(options, path, transcodeQualities))
      }))
    }
    return readiness
  }

  private constructor (mixtape: Mixtape, options: ReadinessOptions) {
    this.#mixtape = mixtape
    this.#options = options
  }

  /** Looks up the state of one track at one quality again. */
  async refresh (path: string, quality: TranscodeQuality): Promise<void> {
    Object.assign(this.#of(path), await trackReadiness(this.#options, path, [quality]))
  }

  /** The response body of GET /mixtapes/<slug>. */
  get report () {
    const { slug, title, tracks } = this.#mixtape
    return {
      slug,
      title,
      total: tracks.length,
      ready: this.#ready,
      tracks: tracks.map(path => ({ file_path: path, qualities: this.#of(path) }))
    }
  }

  get progress (): Progress {
    const { slug, tracks } = this.#mixtape
    const { wanted } = this.#options
    const settled = tracks.filter(path => wanted.every(quality => isSettled(this.#of(path)[quality]))).length
    const ready = tracks.filter(path => wanted.every(quality => isReady(this.#of(path)[quality]))).length
    return {
      task_id: slug,
      step: 'caching',
      status: settled < tracks.length ? 'in_progress' : ready < tracks.length ? 'failed' : 'completed',
      message: `${ready} of ${tracks.length} tracks ready`,
      current: settled,
      total: tracks.length,
      timestamp: new Date().toISOString(),
      ready: this.#ready
    }
  }

  get #ready (): Record<TranscodeQuality, number> {
    const count = (quality: TranscodeQuality) =>
      this.#mixtape.tracks.filter(path => isReady(this.#of(path)[quality])).length
    return Object.fromEntries(transcodeQualities.map(quality => [quality, count(quality)])) as Record<TranscodeQuality, number>
  }

  #of (path: string): TrackReadiness {
    return this.#tracks.get(path) as TrackReadiness
  }
}
