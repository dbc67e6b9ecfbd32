import { setTimeout as sleep } from 'node:timers/promises'
import { GrowingFile, type AudioCache, type Lookup } from '@mixtape/audio-cache'
import type { Track } from '@mixtape/library'
import type { TranscodeQuality } from '@mixtape/mp3'
import { traceparent } from '@mixtape/tracing'
import type { TranscodeProducer } from '@mixtape/transcode-queue'
import { PartSegmentRequests } from './part-segment-requests.ts'

/** Longest wait until the size is known, once a worker has started. Players give up after 8 to 10 s without a byte. */
const MAX_MEASURE_MS = 7000

/**
 * How often the cache directory is looked at while a transcode is waited for. With a free slot the wait takes about 40 ms (npm run
 * bench cold), when it is still every 6 ms. At most LIVE_MAX waits do this.
 */
const FIRST_POLL_MS = 5
const POLL_GROWTH = 1.03
const MAX_POLL_MS = 50

/** Why a client gets the original although AUDIO_CACHE_ON_MISS=transcode: the `detail` of Cache-Status (RFC 9211). */
export type NotLive =
  | 'no-queue' // Redis does not answer
  | 'no-worker' // no worker has started in time
  | 'too-slow' // a worker has started, but still measures the length of the source
  | 'failed' // this source cannot be transcoded, or its job was put off: it failed, or there is no space
  | 'live-max' // LIVE_MAX other transcodes are waited for

/** Finds transcodes that workers are writing, and enqueues them first where nobody has. */
export class LiveTranscodes {
  readonly #cache: AudioCache
  readonly #producer: TranscodeProducer
  readonly #segmentRequests: PartSegmentRequests
  readonly #maxStartMs: number
  readonly #maxWaits: number
  readonly #onWaited: (ms: number) => void
  /** Running waits by track and quality: all clients of one transcode share one. */
  readonly #waits = new Map<string, Promise<NotLive | undefined>>()

  /**
   * @param options.maxStartMs how long a worker may take to start, in milliseconds
   * @param options.maxWaits number of transcodes that are waited for at a time
   * @param options.onWaited called after each client that waited
   */
  constructor (
    cache: AudioCache, producer: TranscodeProducer,
    { maxStartMs, maxWaits, onWaited }: { maxStartMs: number, maxWaits: number, onWaited: (ms: number) => void }
  ) {
    this.#cache = cache
    this.#producer = producer
    this.#segmentRequests = new PartSegmentRequests(producer)
    this.#maxStartMs = maxStartMs
    this.#maxWaits = maxWaits
    this.#onWaited = onWaited
  }

  /**
   * Finds the transcode that is being written of a track, or has one started with the highest priority. The caller must
   * close() the file.
   *
   * @param requestId of the client, which the job carries
   * @returns 'hit' where the transcode was completed meanwhile; `joined` says whether another client asked for it before;
   * a NotLive where there will be nothing to follow
   */
  async follow (
    track: Track, quality: TranscodeQuality, requestId: string
  ): Promise<Extract<Lookup, { status: 'hit' }> | { status: 'live', file: GrowingFile, joined: boolean } | NotLive> {
    const requestSegment = this.#segmentRequests.of(track, quality, requestId)
    const growing = await this.#cache.findGrowing(track, quality, requestSegment)
    if (growing instanceof GrowingFile) return { status: 'live', file: growing, joined: true }
    const key = `${quality} ${track.version} ${track.path}`
    const joined = growing === 'headless' || this.#waits.has(key)
    if (!this.#waits.has(key)) {
      if (this.#waits.size >= this.#maxWaits) return 'live-max'
      this.#waits.set(key, this.#wait(track, quality, requestId, growing === 'headless').finally(() => this.#waits.delete(key)))
    }
    const waitingSince = performance.now()
    const notLive = await this.#waits.get(key)
    this.#onWaited(performance.now() - waitingSince)
    if (notLive) return notLive
    const file = await this.#cache.findGrowing(track, quality, requestSegment)
    if (file instanceof GrowingFile) return { status: 'live', file, joined }
    const found = await this.#cache.find(track, quality) // a short track may be complete already
    return found.status === 'hit' ? found : 'failed'
  }

  /** Waits until there is a file to serve. @returns undefined, or why there will be none */
  async #wait (track: Track, quality: TranscodeQuality, requestId: string, hasStarted: boolean): Promise<NotLive | undefined> {
    const waitingSince = performance.now()
    const maxMeasureMs = Math.max(MAX_MEASURE_MS, this.#maxStartMs)
    if (!hasStarted) {
      const refusal = await this.#enqueue(track, quality, requestId)
      if (refusal) return refusal
    }
    for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(pollMs * POLL_GROWTH, MAX_POLL_MS)) {
      const state = await this.#look(track, quality)
      if (state === 'ready') return undefined
      if (hasStarted && !state) return 'failed'
      hasStarted = state === 'headless'
      if (performance.now() - waitingSince > (hasStarted ? maxMeasureMs : this.#maxStartMs)) {
        return hasStarted ? 'too-slow' : 'no-worker'
      }
      await sleep(pollMs)
    }
  }

  async #look (track: Track, quality: TranscodeQuality): Promise<'ready' | 'headless' | undefined> {
    const growing = await this.#cache.findGrowing(track, quality)
    if (growing === 'headless') return 'headless'
    const found = growing ? { status: 'live', file: growing } as const : await this.#cache.find(track, quality)
    if (found.status === 'miss') return undefined
    await found.file.close()
    return 'ready'
  }

  async #enqueue (track: Track, quality: TranscodeQuality, requestId: string): Promise<NotLive | undefined> {
    try {
      const job = { path: track.path, quality, reason: 'miss', requestId, ...traceparent() } as const
      const { status } = await this.#producer.enqueue(job, track.version)
      return status === 'failed' || status === 'postponed' ? 'failed' : undefined
    } catch {
      return 'no-queue'
    }
  }
}
