import { QUALITIES, type Choice, type Quality, type TranscodeQuality } from '../api/qualities.ts'
import { BLOCK_SECONDS } from '../api/transcode.ts'

/** The levels, from the lowest to the highest. */
const LEVELS: TranscodeQuality[] = ['low', 'medium', 'high']

/** Seconds of audio after which a measurement counts half. */
const HALF_LIFE = 10

/** A level is left when the line carries less than its bitrate times FALL, and is entered from below at CLIMB. */
const FALL = 1.1
const CLIMB = 1.4

/** With more seconds than this in the buffer, a slow line is waited out; with fewer than CLIMB_BUFFER nothing is tried. */
const FALL_BUFFER = 15
const CLIMB_BUFFER = 10

/** Seconds after a fall in which it does not climb. */
const CALM = 30

/** On a line that is at least START_LINE times as fast as the level, playing starts at once; else with START_BUFFER seconds. */
const START_LINE = 2
const START_BUFFER = 2.9 * BLOCK_SECONDS

/**
 * Chooses the highest quality that the line can carry. It does not fetch or measure: it is told how long the transfer of
 * each piece took, and how much is buffered.
 */
export class AutoQuality {
  #level: TranscodeQuality
  readonly #isSaving: boolean
  #kbit = 0
  #seconds = 0
  #fellAt = -Infinity

  /** @param isSaving whether the listener wants to save data: then it stays at `low` */
  constructor (isSaving: boolean) {
    this.#isSaving = isSaving
    this.#level = isSaving ? 'low' : 'medium'
  }

  /** @returns the quality of a whole file, which stays the same while it plays */
  qualityOf (choice: Choice): Quality {
    return choice === 'auto' ? this.#level : choice
  }

  /**
   * A piece was transferred.
   *
   * @param seconds from its first to its last byte, while nobody had to wait for an encoder
   * @param audioSeconds that it plays
   */
  measured (bytes: number, seconds: number, audioSeconds: number): void {
    // Sums of bits and times, not an average of rates: few slow pieces weigh more than many fast ones.
    const weight = 0.5 ** (audioSeconds / HALF_LIFE)
    this.#kbit = this.#kbit * weight + bytes / 125
    this.#seconds = this.#seconds * weight + Math.max(seconds, 0.001)
  }

  /**
   * @param buffered seconds that can be played without the line
   * @param now in seconds, on any clock
   * @returns the level of the next piece
   */
  next (buffered: number, now: number): TranscodeQuality {
    const index = LEVELS.indexOf(this.#level)
    const above = LEVELS[index + 1]
    if (this.#seconds === 0 || this.#isSaving) return this.#level
    if (this.#rate < kbits(this.#level) * FALL && buffered < FALL_BUFFER && index > 0) {
      this.#level = LEVELS.slice(0, index).findLast(level => this.#rate >= kbits(level) * FALL) ?? 'low'
      this.#fellAt = now
    } else if (above && this.#rate >= kbits(above) * CLIMB && buffered >= CLIMB_BUFFER && now - this.#fellAt >= CALM) {
      this.#level = above
    }
    return this.#level
  }

  /** @returns whether playing will not stop again soon after it has started with so many seconds in the buffer */
  canStart (buffered: number): boolean {
    return buffered >= START_BUFFER || this.#rate >= kbits(this.#level) * START_LINE
  }

  /** Of the line, in kbit/s; 0 before it was measured. */
  get #rate (): number {
    return this.#seconds === 0 ? 0 : this.#kbit / this.#seconds
  }
}

function kbits (level: TranscodeQuality): number {
  return QUALITIES[level].kbits ?? 0
}
