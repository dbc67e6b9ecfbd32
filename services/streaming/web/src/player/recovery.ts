import { mayPass, titleOf, type TrackEntry } from '../api/library.ts'
import type { Quality } from '../api/qualities.ts'
import { playUrl } from '../api/serving.ts'

/** Time after which a track is tried again that could not be loaded because the server was away. */
const RETRY_MS = 3000

/** Time for which a problem is still shown when something plays again. */
const SHOWN_MS = 8000

/** Why a track cannot be played. */
interface Failure {
  /** For people. */
  why: string
  /** Whether it may well be played later. */
  isPassing: boolean
}

/** Asks the server why the audio element could not load a track. */
export async function failureOf (track: TrackEntry, quality: Quality): Promise<Failure> {
  const name = titleOf(track)
  const response = await fetch(playUrl(track.path, quality), { method: 'HEAD' }).catch(() => undefined)
  if (!response) return { why: `${name} waits: the server does not answer.`, isPassing: true }
  const { ok, status } = response
  if (ok) return { why: `${name} cannot be played: the browser does not know its format, or it is damaged.`, isPassing: false }
  if (status === 404) return { why: `${name} is not in the library any more.`, isPassing: false }
  return mayPass(status)
    ? { why: `${name} waits: the server answered ${status}.`, isPassing: true }
    : { why: `${name} cannot be played: the server answered ${status}.`, isPassing: false }
}

/** What went wrong, until it is over. */
export class Recovery {
  /** For people; empty where nothing is wrong. */
  problem = ''
  readonly #onChange: () => void
  #retry: number | undefined
  #closing: number | undefined

  constructor (onChange: () => void) {
    this.#onChange = onChange
  }

  /** Says what went wrong. */
  say (problem: string): void {
    clearTimeout(this.#closing)
    this.#closing = undefined
    this.problem = problem
  }

  /** Says why a track has to wait, and tries it again after a while. */
  wait (why: string, tryAgain: () => void): void {
    this.say(`${why} Trying again.`)
    this.#retry = window.setTimeout(tryAgain, RETRY_MS)
  }

  /** Tries nothing again. Another problem is still said. */
  stop (): void {
    if (this.#isWaiting) this.forget()
  }

  /** Something else is to be heard. */
  forget (): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.say('')
  }

  close (): void {
    this.forget()
    this.#onChange()
  }

  /** The audio element plays: if it has waited for the server, that is back. */
  onPlaying (): void {
    if (this.#isWaiting) this.close()
  }

  /** Something is heard in spite of a problem, which is shown for a while. */
  onHeard (): void {
    if (this.problem !== '' && !this.#isWaiting) this.#closing ??= window.setTimeout(() => { this.close() }, SHOWN_MS)
  }

  get #isWaiting (): boolean {
    return this.#retry !== undefined
  }
}
