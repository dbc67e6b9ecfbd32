import type { Choice } from '../api/qualities.ts'
import type { Decks } from './decks.ts'
import type { Queue, QueuedTrack } from './queue.ts'

/** The next track is loaded this many seconds before the end of the current one, or as soon as that is buffered whole. */
const PREFETCH_SECONDS = 30

/** From this many seconds before the end, a timer waits for the exact moment: events of the audio element come too seldom. */
const TIMER_SECONDS = 1.5

/**
 * What is to be heard from a moment on is started this many milliseconds before. In Chromium an element that is told to play
 * is heard at once; later than the end of a track would be a gap.
 */
export const START_MS = 8

/** Has the next track start in the moment in which the current one ends. */
export class ChangeOver {
  readonly #decks: Decks
  readonly #queue: Queue
  readonly #onEnd: () => void
  #timer: number | undefined

  /** @param onEnd called in the moment in which the next track has to start */
  constructor (decks: Decks, queue: Queue, onEnd: () => void) {
    this.#decks = decks
    this.#queue = queue
    this.#onEnd = onEnd
  }

  /** Loads the next track into the spare deck, in good time. */
  prefetch (choice: Choice): void {
    const { current, spare } = this.#decks
    const { track, audio, duration, isBuffered, isStream } = current
    const isSpareHeard = !spare.audio.paused && !spare.audio.ended // the track before has not ended yet
    if (!track || isSpareHeard) return
    const next = this.#next
    if (next && spare.has(next, choice) && spare.audio.currentTime === 0) return
    // A stream needs a slow line for itself until all of it is buffered.
    const isTime = isBuffered || (duration > 0 && duration - audio.currentTime < PREFETCH_SECONDS && !isStream)
    if (next && isTime) spare.load(next, choice)
    else if (spare.track) spare.unload()
  }

  /** Called often while the current track plays: waits for its end when that is near. */
  watch (): void {
    const { audio, duration } = this.#decks.current
    const left = duration - audio.currentTime
    if (left < TIMER_SECONDS) this.#timer ??= window.setTimeout(this.#onEnd, Math.max(left * 1000 - START_MS, 0))
  }

  /** Forgets that the end was near: the current track is paused, has another place, or is another one. */
  cancel (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Whether the end of the current track is near. */
  get isNear (): boolean {
    return this.#timer !== undefined
  }

  /** @returns whether the spare deck can play the next track at once */
  isReady (choice: Choice): boolean {
    const { spare } = this.#decks
    return spare.has(this.#next, choice) && spare.audio.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA
  }

  get #next (): QueuedTrack | undefined {
    return this.#queue.trackAt(this.#queue.following({ isAutomatic: true }))
  }
}
