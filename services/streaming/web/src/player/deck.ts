import type { TrackEntry } from '../api/library.ts'
import { QUALITIES, type Quality } from '../api/qualities.ts'
import { fetchServing, playUrl, type Serving } from '../api/serving.ts'

/** One audio element, and what it has loaded. */
export class Deck {
  readonly audio: HTMLAudioElement
  track: TrackEntry | undefined
  quality: Quality | undefined
  /** What the server sends; undefined until it has answered. */
  serving: Serving | undefined
  /** Why the server does not send it. */
  failure: Error | undefined
  /** Called when `serving` or `failure` is known. */
  readonly #onServing: (deck: Deck) => void
  #loads = 0

  constructor (audio: HTMLAudioElement, onServing: (deck: Deck) => void) {
    this.audio = audio
    this.#onServing = onServing
  }

  /** Starts to load a track. The audio element can be told to play at once. */
  load (track: TrackEntry, quality: Quality, startAt = 0): void {
    const load = ++this.#loads
    this.track = track
    this.quality = quality
    this.serving = undefined
    this.failure = undefined
    fetchServing(track.path, quality).then(serving => { if (load === this.#loads) this.serving = serving }, error => {
      if (load === this.#loads) this.failure = error
    }).finally(() => { if (load === this.#loads) this.#onServing(this) })
    this.audio.preload = 'auto'
    this.audio.src = playUrl(track.path, quality)
    if (startAt > 0) this.audio.currentTime = startAt
  }

  unload (): void {
    this.#loads++
    this.track = this.quality = this.serving = this.failure = undefined
    this.audio.pause()
    this.audio.removeAttribute('src')
    this.audio.load()
  }

  has (track: TrackEntry | undefined, quality: Quality): boolean {
    return track !== undefined && this.track?.path === track.path && this.quality === quality && !this.audio.error
  }

  /** Seconds; what the tags say until the audio element knows. */
  get duration (): number {
    const { duration } = this.audio
    return Number.isFinite(duration) && duration > 0 ? duration : this.track?.duration ?? 0
  }

  /** Where the buffered audio after the present place ends, in seconds. */
  get bufferedEnd (): number {
    const { buffered, currentTime } = this.audio
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) <= currentTime + 0.5 && buffered.end(i) >= currentTime) return buffered.end(i)
    }
    return currentTime
  }

  /** Buffered share of the track, from 0 to 1. */
  get bufferedShare (): number {
    const { buffered } = this.audio
    let seconds = 0
    for (let i = 0; i < buffered.length; i++) seconds += buffered.end(i) - buffered.start(i)
    return this.duration > 0 ? Math.min(seconds / this.duration, 1) : 0
  }

  /** Bytes that the original has more than what was loaded so far. */
  get bytesSaved (): number {
    const { track, serving } = this
    return track?.size === undefined || !serving ? 0 : Math.max(track.size - serving.size, 0) * this.bufferedShare
  }

  /** Average of what is played, in kbit/s; undefined where unknown. */
  get kbits (): number | undefined {
    if (!this.serving || !this.quality || this.duration === 0) return undefined
    const { outcome, size } = this.serving
    const isTranscode = outcome === 'hit' || outcome === 'live'
    return (isTranscode ? QUALITIES[this.quality].kbits : undefined) ?? Math.round(size * 8 / this.duration / 1000)
  }
}
