import type { FastifyInstance } from 'fastify'
import { transcodeQualities, type TranscodeQuality } from '@mixtape/audio-cache'
import type { Mixtape } from '@mixtape/transcode-queue'
import { isReady, isSettled, trackReadiness, type TrackReadiness } from './track-readiness.ts'

/** Tracks that are looked at side by side. */
const BATCH = 20

/** How far a mixtape is, in the words of mixtape-society's own page, and how many tracks are ready at each quality. */
export interface Progress {
  task_id: string
  step: 'caching'
  status: 'in_progress' | 'completed' | 'failed'
  message: string
  /** Tracks for which nothing more is going to happen, of `total`. */
  current: number
  total: number
  /** ISO 8601. */
  timestamp: string
  ready: Record<TranscodeQuality, number>
}

/** What is known of the tracks of one mixtape. */
export class MixtapeReadiness {
  readonly mixtape: Mixtape
  readonly #app: FastifyInstance
  readonly #tracks = new Map<string, TrackReadiness>()

  /** Looks at every track. */
  static async of (app: FastifyInstance, mixtape: Mixtape): Promise<MixtapeReadiness> {
    const readiness = new MixtapeReadiness(app, mixtape)
    const paths = [...new Set(mixtape.tracks)]
    for (let at = 0; at < paths.length; at += BATCH) {
      await Promise.all(paths.slice(at, at + BATCH).map(path => readiness.#lookAt(path)))
    }
    return readiness
  }

  private constructor (app: FastifyInstance, mixtape: Mixtape) {
    this.#app = app
    this.mixtape = mixtape
  }

  /** Looks at one track at one quality again. */
  async look (path: string, quality: TranscodeQuality): Promise<void> {
    Object.assign(this.#of(path), await trackReadiness(this.#app, path, [quality]))
  }

  async #lookAt (path: string): Promise<void> {
    this.#tracks.set(path, await trackReadiness(this.#app, path, transcodeQualities))
  }

  /** The body of GET /mixtapes/<slug>. */
  get report () {
    const { slug, title, tracks } = this.mixtape
    return {
      slug,
      title,
      total: tracks.length,
      ready: this.#ready,
      tracks: tracks.map(path => ({ file_path: path, qualities: this.#of(path) }))
    }
  }

  get progress (): Progress {
    const { slug, tracks } = this.mixtape
    const wanted = this.#app.config.AUDIO_CACHE_PRECACHE_QUALITIES as TranscodeQuality[]
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
      this.mixtape.tracks.filter(path => isReady(this.#of(path)[quality])).length
    return Object.fromEntries(transcodeQualities.map(quality => [quality, count(quality)])) as Record<TranscodeQuality, number>
  }

  #of (path: string): TrackReadiness {
    return this.#tracks.get(path) as TrackReadiness
  }
}
