import { setTimeout as sleep } from 'node:timers/promises'
import fp from 'fastify-plugin'
import { GrowingFile, type AudioCache, type Lookup, type Track, type TranscodeQuality } from '@mixtape/audio-cache'
import type { TranscodeProducer } from '@mixtape/transcode-queue'

declare module 'fastify' {
  interface FastifyInstance {
    /** Undefined where a miss is answered with the original. */
    liveTranscodes: LiveTranscodes | undefined
  }
}

/** How long a source may be measured before its first byte of MP3: players give up after 8 to 10 s. */
const PATIENCE_MS = 7000

/** Sooner than a growing file is polled, since so few wait here: at most LIVE_MAX. */
const POLL_MS = 10

/** Why a listener gets the original after all; the value of `detail` in Cache-Status. */
export type NotLive =
  | 'no-queue' // Redis does not answer
  | 'no-worker' // none has begun in time
  | 'too-slow' // one has begun, and still measures the source
  | 'failed' // this source cannot be transcoded, or could not just now
  | 'live-max' // enough others are waiting

/** Transcodes that listeners hear while they are made, found on the shared volume and nowhere else. */
export class LiveTranscodes {
  readonly #cache: AudioCache
  readonly #queue: TranscodeProducer
  readonly #waitMs: number
  readonly #max: number
  /** Waits for a worker to begin, by what for: all listeners of one transcode share one. */
  readonly #waits = new Map<string, Promise<NotLive | undefined>>()

  /**
   * @param options.waitMs how long a worker may take to begin
   * @param options.max transcodes that are waited for at a time
   */
  constructor (cache: AudioCache, queue: TranscodeProducer, { waitMs, max }: { waitMs: number, max: number }) {
    this.#cache = cache
    this.#queue = queue
    this.#waitMs = waitMs
    this.#max = max
  }

  /** Finds the transcode that is being made of a track, or has it made first of all. The caller closes its file. */
  async follow (
    track: Track, quality: TranscodeQuality
  ): Promise<Extract<Lookup, { status: 'hit' }> | { status: 'live', file: GrowingFile, joined: boolean } | NotLive> {
    const growing = await this.#cache.findGrowing(track, quality)
    if (growing instanceof GrowingFile) return { status: 'live', file: growing, joined: true }
    const key = `${quality} ${track.version} ${track.path}`
    const joined = growing === 'begun' || this.#waits.has(key)
    if (!this.#waits.has(key)) {
      if (this.#waits.size >= this.#max) return 'live-max'
      this.#waits.set(key, this.#begin(track, quality, growing).finally(() => this.#waits.delete(key)))
    }
    const notLive = await this.#waits.get(key)
    if (notLive) return notLive
    const file = await this.#cache.findGrowing(track, quality)
    if (file instanceof GrowingFile) return { status: 'live', file, joined }
    const found = await this.#cache.find(track, quality) // it may be a short track
    return found.status === 'hit' ? found : 'failed'
  }

  /** @returns when there is a file to follow, or why there will be none */
  async #begin (track: Track, quality: TranscodeQuality, growing?: 'begun'): Promise<NotLive | undefined> {
    const started = performance.now()
    let begun = growing === 'begun'
    if (!begun) {
      const refusal = await this.#enqueue(track, quality)
      if (refusal) return refusal
    }
    for (;;) {
      const now = await this.#look(track, quality)
      if (now === 'ready') return undefined
      if (begun && !now) return 'failed'
      begun = now === 'begun'
      if (performance.now() - started > (begun ? PATIENCE_MS : this.#waitMs)) return begun ? 'too-slow' : 'no-worker'
      await sleep(POLL_MS)
    }
  }

  async #look (track: Track, quality: TranscodeQuality): Promise<'ready' | 'begun' | undefined> {
    const growing = await this.#cache.findGrowing(track, quality)
    if (growing === 'begun') return 'begun'
    const found = growing ? { status: 'live', file: growing } as const : await this.#cache.find(track, quality)
    if (found.status === 'miss') return undefined
    await found.file.close()
    return 'ready'
  }

  async #enqueue (track: Track, quality: TranscodeQuality): Promise<NotLive | undefined> {
    try {
      const { status } = await this.#queue.enqueue({ path: track.path, quality, reason: 'miss' }, track.version)
      return status === 'failed' || status === 'postponed' ? 'failed' : undefined
    } catch {
      return 'no-queue'
    }
  }
}

export const liveTranscodesPlugin = fp(async app => {
  const { AUDIO_CACHE_ON_MISS: onMiss, AUDIO_CACHE_LIVE_WAIT: wait, LIVE_MAX: max } = app.config
  app.decorate('liveTranscodes', app.audioCache && onMiss === 'transcode'
    ? new LiveTranscodes(app.audioCache, app.transcodeQueue, { waitMs: wait * 1000, max })
    : undefined)
}, { name: 'live-transcodes', dependencies: ['audio-cache', 'transcode-queue'] })
