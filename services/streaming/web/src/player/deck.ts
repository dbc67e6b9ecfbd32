import { QUALITIES, type Choice, type Quality } from '../api/qualities.ts'
import { fetchServing, playUrl, type Serving } from '../api/serving.ts'
import type { AutoQuality } from './auto-quality.ts'
import { bufferedEnd } from './buffered.ts'
import { FrameBuffer } from './frame-buffer.ts'
import { FrameStream } from './frame-stream.ts'
import type { QueuedTrack } from './queue.ts'

interface DeckEvents {
  /** What is heard, or why nothing is, has become known or has changed. */
  onServing: (deck: Deck) => void
  /** What was chosen is not there as a stream of frames. What is heard goes on. */
  onRefused: (deck: Deck) => void
  /** The track cannot go on as a stream of frames. It has to be loaded again, as a whole file. */
  onUnable: (deck: Deck) => void
}

/**
 * One audio element, and what it has loaded: a stream of frames, whose quality can be changed while it plays, or a whole file.
 * Whole files are originals, and everything where the browser has no Media Source Extensions for MP3.
 */
export class Deck {
  readonly audio: HTMLAudioElement
  track: QueuedTrack | undefined
  /** What the listener has chosen. */
  choice: Choice | undefined
  /** Why the server does not send it. */
  failure: Error | undefined
  readonly #auto: AutoQuality
  readonly #events: DeckEvents
  #stream: FrameStream | undefined
  /** Of a whole file; undefined until the server has answered. */
  #fileServing: Serving | undefined
  #fileQuality: Quality | undefined
  #heard: Serving | undefined
  #loads = 0

  constructor (audio: HTMLAudioElement, auto: AutoQuality, events: DeckEvents) {
    this.audio = audio
    this.#auto = auto
    this.#events = events
    audio.addEventListener('timeupdate', () => { this.#noteHeard() })
  }

  /**
   * Starts to load a track. The audio element can be told to play at once.
   *
   * @param options.isWhole whether it must be a whole file
   */
  load (track: QueuedTrack, choice: Choice, startAt = 0, { isWhole = false } = {}): void {
    this.#reset()
    this.track = track
    this.choice = choice
    this.audio.preload = 'auto'
    if (choice === 'original' || isWhole || !track.transcoded || !FrameBuffer.isSupported) {
      this.#loadFile(track, this.#auto.qualityOf(choice))
    } else {
      this.#stream = new FrameStream(this.audio, {
        path: track.path,
        choice,
        auto: this.#auto,
        onRefused: () => { this.#events.onRefused(this) },
        onUnable: () => { this.#events.onUnable(this) }
      })
    }
    if (startAt > 0) this.audio.currentTime = startAt
  }

  unload (): void {
    this.#reset()
    this.track = this.choice = undefined
    this.audio.pause()
    this.audio.removeAttribute('src')
    this.audio.load()
  }

  /** Goes on with another quality of the track. @returns false where this deck cannot, and another has to take over */
  change (choice: Choice): boolean {
    if (!this.#stream || choice === 'original') return false
    this.choice = choice
    this.#stream.setChoice(choice)
    return true
  }

  has (track: QueuedTrack | undefined, choice: Choice): boolean {
    return track !== undefined && this.track?.path === track.path && this.choice === choice && !this.audio.error
  }

  /** What the server sends for the place that is heard; undefined until it has answered. */
  get serving (): Serving | undefined {
    return this.#stream ? this.#stream.transcodeAt(this.audio.currentTime)?.serving : this.#fileServing
  }

  /** The quality that is heard; undefined until it is known. */
  get quality (): Quality | undefined {
    return this.#stream ? this.#stream.transcodeAt(this.audio.currentTime)?.quality : this.#fileQuality
  }

  /** Seconds; what the tags say until the audio element knows. */
  get duration (): number {
    const { duration } = this.audio
    return Number.isFinite(duration) && duration > 0 ? duration : this.track?.duration ?? 0
  }

  /** Where the buffered audio after the present place ends, in seconds. */
  get bufferedEnd (): number {
    return bufferedEnd(this.audio)
  }

  /** Whether the track is buffered up to its end. */
  get isBuffered (): boolean {
    return this.duration > 0 && this.bufferedEnd >= this.duration - 0.5
  }

  /** Whether it is a stream of frames. */
  get isStream (): boolean {
    return this.#stream !== undefined
  }

  /** Bytes that the original has more than what was loaded so far. */
  get bytesSaved (): number {
    const { track, serving } = this
    if (track?.size === undefined || !serving) return 0
    const { shareLoaded, bytesLoaded } = this.#stream ?? { shareLoaded: this.#bufferedShare, bytesLoaded: serving.size * this.#bufferedShare }
    return Math.max(track.size * shareLoaded - bytesLoaded, 0)
  }

  /** Average of what is played, in kbit/s; undefined where unknown. */
  get kbits (): number | undefined {
    if (!this.serving || !this.quality || this.duration === 0) return undefined
    const { outcome, size } = this.serving
    const isTranscode = outcome === 'hit' || outcome === 'live'
    return (isTranscode ? QUALITIES[this.quality].kbits : undefined) ?? Math.round(size * 8 / this.duration / 1000)
  }

  /** Buffered share of the track, from 0 to 1. */
  get #bufferedShare (): number {
    const { buffered } = this.audio
    let seconds = 0
    for (let i = 0; i < buffered.length; i++) seconds += buffered.end(i) - buffered.start(i)
    return this.duration > 0 ? Math.min(seconds / this.duration, 1) : 0
  }

  #loadFile ({ path }: QueuedTrack, quality: Quality): void {
    const load = this.#loads
    this.#fileQuality = quality
    fetchServing(path, quality).then(serving => { if (load === this.#loads) this.#fileServing = serving }, error => {
      if (load === this.#loads) this.failure = error
    }).finally(() => { if (load === this.#loads) this.#events.onServing(this) })
    this.audio.src = playUrl(path, quality)
  }

  #reset (): void {
    this.#loads++
    this.#stream?.close()
    this.#stream = this.#fileServing = this.#fileQuality = this.failure = this.#heard = undefined
  }

  #noteHeard (): void {
    if (!this.#stream || this.serving === this.#heard) return
    this.#heard = this.serving
    this.#events.onServing(this)
  }
}
