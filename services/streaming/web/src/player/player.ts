import { titleOf } from '../api/library.ts'
import { storedChoice, storeChoice, type Choice, type Quality } from '../api/qualities.ts'
import { AutoQuality } from './auto-quality.ts'
import { ChangeOver } from './change-over.ts'
import { Deck } from './deck.ts'
import { Decks } from './decks.ts'
import { QualitySwitch } from './quality-switch.ts'
import { Queue, type QueuedTrack } from './queue.ts'
import { failureOf, Recovery } from './recovery.ts'

/** Within this many seconds, `previous` goes to the track before, and afterwards to the start of the track. */
const RESTART_SECONDS = 3

/**
 * Plays a queue with two audio elements: one plays, and the other loads what comes next. That is the next track
 * (change-over.ts), or the same track at another quality where the first cannot change it (quality-switch.ts).
 *
 * Events: `change` when another track, state or setting is shown; `time` while it plays.
 */
export class Player extends EventTarget {
  readonly queue = new Queue()
  choice: Choice = storedChoice()
  /** Whether the listener wants to hear something. While a track loads, this is true and nothing is heard. */
  isPlaying = false
  /** Bytes that originals of the tracks before would have taken more. */
  bytesSavedBefore = 0
  readonly #auto: AutoQuality
  readonly #decks: Decks
  readonly #changeOver: ChangeOver
  readonly #switch: QualitySwitch
  readonly #recovery = new Recovery(() => { this.#changed() })

  constructor (first: HTMLAudioElement, second: HTMLAudioElement) {
    super()
    const { connection } = navigator as Navigator & { connection?: { saveData?: boolean } }
    this.#auto = new AutoQuality(connection?.saveData ?? false)
    const events = {
      onServing: (deck: Deck) => { if (deck === this.current) this.#changed() },
      onRefused: (deck: Deck) => { if (deck === this.current) this.#switch.start(this.choice, { isWhole: true }) },
      onUnable: (deck: Deck) => { this.#loadWhole(deck) }
    }
    this.#decks = new Decks(new Deck(first, this.#auto, events), new Deck(second, this.#auto, events))
    this.#changeOver = new ChangeOver(this.#decks, this.queue, () => { this.#startNext() })
    this.#switch = new QualitySwitch(this.#decks, { isPlaying: () => this.isPlaying, onReady: () => { this.#takeOver() } })
    for (const deck of this.#decks.both) this.#listen(deck)
  }

  /** The deck that is heard. */
  get current (): Deck {
    return this.#decks.current
  }

  /** The quality of whole files at the present choice. */
  get quality (): Quality {
    return this.#auto.qualityOf(this.choice)
  }

  /** What went wrong, for people. */
  get problem (): string {
    return this.#recovery.problem
  }

  closeProblem (): void {
    this.#recovery.close()
  }

  get volume (): number {
    return this.current.audio.volume
  }

  setVolume (volume: number): void {
    for (const { audio } of this.#decks.both) audio.volume = Math.min(Math.max(volume, 0), 1)
    this.#changed()
  }

  /** Plays a list of tracks from one of them on. */
  playAll (tracks: QueuedTrack[], start: number): void {
    this.queue.replace(tracks, start)
    this.#start(0)
  }

  /** Plays the track at a position of the queue. */
  playAt (position: number): void {
    this.queue.goTo(position)
    this.#start(0)
  }

  /** Loads the current track of the queue at a place, without playing it. */
  prepare (startAt: number): void {
    const track = this.queue.current
    if (track) this.current.load(track, this.choice, startAt)
    this.#changed()
  }

  play (): void {
    if (!this.current.track) return
    if (this.current.audio.error) {
      this.#start(this.current.audio.currentTime) // it has to be loaded again
      return
    }
    this.isPlaying = true
    this.#playDeck(this.current)
    this.#changed()
  }

  pause (): void {
    this.isPlaying = false
    this.#changeOver.cancel()
    this.#recovery.stop()
    for (const { audio } of this.#decks.both) audio.pause()
    this.#changed()
  }

  toggle (): void {
    if (this.isPlaying) this.pause()
    else this.play()
  }

  next (): void {
    const position = this.queue.following({ isAutomatic: false })
    if (position !== undefined) this.playAt(position)
  }

  previous (): void {
    if (this.current.audio.currentTime > RESTART_SECONDS) this.seek(0)
    else this.playAt(this.queue.preceding)
  }

  seek (seconds: number): void {
    const { audio, duration } = this.current
    this.#changeOver.cancel()
    audio.currentTime = Math.min(Math.max(seconds, 0), Math.max(duration - 0.1, 0))
    this.dispatchEvent(new Event('time'))
  }

  /** Goes on at the same place at another quality. What is heard goes on until the other quality can play. */
  setChoice (choice: Choice): void {
    storeChoice(choice)
    this.choice = choice
    this.#switch.cancel()
    const { track } = this.current
    if (track && (this.current.has(track, choice) || this.current.change(choice))) this.#decks.spare.unload()
    else this.#switch.start(choice)
    this.#changed()
  }

  /** What is to follow has changed: the queue was edited, or is shuffled or repeated. */
  queueChanged (): void {
    this.#prefetch()
    this.#changed()
  }

  /** Plays the current track of the queue. */
  #start (startAt: number): void {
    const track = this.queue.current
    if (!track) return
    const { current, spare } = this.#decks
    this.#changeOver.cancel()
    this.#switch.cancel()
    this.#recovery.forget()
    this.isPlaying = true
    if (startAt === 0 && spare.has(track, this.choice) && spare.audio.currentTime === 0) {
      this.#takeOver()
    } else {
      this.#countSaved()
      spare.unload()
      current.load(track, this.choice, startAt)
      this.#playDeck(current)
    }
    this.#changed()
  }

  /** The current track ends in this moment. */
  #startNext (): void {
    const position = this.queue.following({ isAutomatic: true })
    if (!this.isPlaying || position === undefined || this.#switch.isPending || !this.#changeOver.isReady(this.choice)) return
    this.#countSaved()
    this.queue.goTo(position)
    // The last samples of the current track are still to be heard. So it is not paused, and ends by itself.
    this.#decks.changePlaces()
    this.#changeOver.cancel()
    this.#playDeck(this.current)
    this.#changed()
  }

  /** The spare deck is heard from now on. */
  #takeOver (): void {
    const before = this.current
    this.#countSaved()
    this.#decks.changePlaces()
    this.#changeOver.cancel()
    this.#switch.cancel()
    this.#recovery.forget()
    if (this.isPlaying) this.#playDeck(this.current)
    before.audio.pause()
    this.#changed()
  }

  #playDeck (deck: Deck): void {
    deck.audio.play().catch((error: Error) => {
      // AbortError: another track was chosen meanwhile. Errors of the file are reported by the `error` event.
      if (error.name !== 'NotAllowedError' || deck !== this.current) return
      this.isPlaying = false
      this.#changed()
    })
  }

  /** Goes on with the whole file at the same place. If that cannot be loaded either, the audio element reports an error. */
  #loadWhole (deck: Deck): void {
    const { track, choice, audio } = deck
    if (!track || !choice) return
    deck.load(track, choice, audio.currentTime, { isWhole: true })
    if (deck === this.current && this.isPlaying) this.#playDeck(deck)
  }

  #listen (deck: Deck): void {
    const { audio } = deck
    const on = (type: string, listener: () => void) => { audio.addEventListener(type, listener) }
    const onCurrent = (type: string, listener: () => void) => { on(type, () => { if (deck === this.current) listener() }) }
    onCurrent('timeupdate', () => {
      this.#onTime()
      if (this.isPlaying) this.#recovery.onHeard()
    })
    onCurrent('progress', () => { this.#onTime() })
    onCurrent('ended', () => { this.#onEnded() })
    on('error', () => { this.#onError(deck) })
    on('canplay', () => { if (deck === this.#decks.spare) this.#switch.onCanPlay() })
    for (const type of ['play', 'playing', 'waiting', 'seeked', 'durationchange', 'loadedmetadata']) {
      onCurrent(type, () => { this.#changed() })
    }
    onCurrent('playing', () => { this.#recovery.onPlaying() })
    // Paused by the browser, as when headphones are unplugged. Pauses at the end, after an error and of this player
    // are not meant.
    onCurrent('pause', () => { if (this.isPlaying && !audio.ended && !audio.error && !this.#changeOver.isNear) this.pause() })
  }

  #onTime (): void {
    this.dispatchEvent(new Event('time'))
    this.#prefetch()
    if (this.isPlaying) this.#changeOver.watch()
  }

  #prefetch (): void {
    if (!this.#switch.isPending) this.#changeOver.prefetch(this.choice)
  }

  /** Reached where the next track could not be started in time, and at the end of the queue. */
  #onEnded (): void {
    this.#changeOver.cancel()
    const position = this.queue.following({ isAutomatic: true })
    if (position !== undefined) return this.playAt(position)
    this.isPlaying = false
    this.#changed()
  }

  async #onError (deck: Deck): Promise<void> {
    const { track, audio } = deck
    if (!track || !audio.error) return
    if (deck !== this.current) {
      if (!this.#switch.isPending) return
      this.#switch.cancel()
      this.#recovery.say(`${titleOf(track)} cannot be played at this quality now.`)
      this.#changed()
      return
    }
    const { why, isPassing } = await failureOf(track, deck.quality ?? 'original')
    if (deck.track !== track || !audio.error) return
    if (!isPassing) {
      this.#skip()
      this.#recovery.say(why)
    } else if (this.isPlaying) { // else it is loaded again when it is to be played
      const place = audio.currentTime
      this.#recovery.wait(why, () => {
        if (deck !== this.current || deck.track !== track) return
        deck.load(track, this.choice, place)
        this.#playDeck(deck)
      })
    }
    this.#changed()
  }

  /** Goes on with the next track where there is one: at the end, repeating would try for ever. */
  #skip (): void {
    const position = this.queue.following({ isAutomatic: false })
    if (this.isPlaying && position) this.playAt(position)
    else this.isPlaying = false
  }

  #countSaved (): void {
    this.bytesSavedBefore += this.current.bytesSaved
  }

  #changed (): void {
    this.dispatchEvent(new Event('change'))
  }
}
