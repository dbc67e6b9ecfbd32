import type { Choice } from '../api/qualities.ts'
import { START_MS } from './change-over.ts'
import type { Decks } from './decks.ts'

/** Seconds that the spare deck gets to load the current track at a later place, before it takes over there. */
const AHEAD_SECONDS = 0.3

/** Places that differ by less are the same to the ear, in milliseconds. */
const SAME_MS = 20

interface QualitySwitchEvents {
  isPlaying: () => boolean
  /** The spare deck has to be heard from now on. */
  onReady: () => void
}

/**
 * Goes on at another quality where the current deck cannot change it by itself: the spare deck loads the same track, and takes
 * over at the place that is heard then.
 */
export class QualitySwitch {
  readonly #decks: Decks
  readonly #events: QualitySwitchEvents
  #timer: number | undefined
  /** Whether the spare deck has the current track at the quality that was chosen, and takes over when it can play. */
  isPending = false

  constructor (decks: Decks, events: QualitySwitchEvents) {
    this.#decks = decks
    this.#events = events
  }

  start (choice: Choice, options?: { isWhole: boolean }): void {
    const { current: { track, audio }, spare } = this.#decks
    if (!track) return
    this.isPending = true
    spare.load(track, choice, audio.currentTime + this.#aheadSeconds, options)
  }

  cancel (): void {
    this.isPending = false
  }

  /** The spare deck can play: it takes over in the moment in which the current one comes to the place where it waits. */
  onCanPlay (): void {
    if (!this.isPending) return
    clearTimeout(this.#timer)
    const { current, spare } = this.#decks
    const place = current.audio.currentTime
    const isPlaying = this.#events.isPlaying()
    const leftMs = (spare.audio.currentTime - place) * 1000 - (isPlaying ? START_MS : 0)
    if (Math.abs(leftMs) < SAME_MS) {
      this.#events.onReady()
    } else if (isPlaying && leftMs > 0 && leftMs <= AHEAD_SECONDS * 1000) {
      this.#timer = window.setTimeout(() => { this.onCanPlay() }, leftMs)
    } else {
      spare.audio.currentTime = place + this.#aheadSeconds // `canplay` comes again
    }
  }

  get #aheadSeconds (): number {
    return this.#events.isPlaying() ? AHEAD_SECONDS : 0
  }
}
