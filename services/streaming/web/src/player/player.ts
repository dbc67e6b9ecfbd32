import { mayPass } from '../api/library.ts'
import { storedChoice, storeChoice, type Choice, type Quality } from '../api/qualities.ts'
import { playUrl } from '../api/serving.ts'
import { AutoQuality } from './auto-quality.ts'
import { Deck } from './deck.ts'
import { Queue, type QueuedTrack } from './queue.ts'

/** The next track is loaded this many seconds before the end of the current one, or as soon as that is buffered whole. */
const PREFETCH_SECONDS = 30

/** From this many seconds before the end, a timer waits for the exact moment: events of the audio element come too seldom. */
const TIMER_SECONDS = 1.5

/**
 * The next track is started this many milliseconds before the end of the current one. In Chromium an element that is told to
 * play is heard at once; later than the end would be a gap.
 */
const START_MS = 8

/** Seconds that another deck gets to load the current track at a later place, before it takes over there. */
const SWITCH_SECONDS = 0.3

/** Within this many seconds, `previous` goes to the track before, and afterwards to the start of the track. */
const RESTART_SECONDS = 3

/** Time after which a track is tried again that could not be loaded because the server was away. */
const RETRY_MS = 3000

/** Time for which a problem is still shown when something plays again. */
const PROBLEM_MS = 8000

/**
 * Plays a queue with two audio elements: one plays, and the other loads what comes next. That is the next track, or the same
 * track at another quality where the first cannot change it (deck.ts). Then they change places.
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
  /** What went wrong, for people. */
  problem = ''
  readonly #auto: AutoQuality
  #decks: [Deck, Deck]
  #timer: number | undefined
  /** The server is away, and the current track waits for it. */
  #retry: number | undefined
  #problemTimer: number | undefined
  #switchTimer: number | undefined
  /** The spare deck has the current track at the quality that was chosen, and takes over when it can play. */
  #isSwitching = false

  constructor (first: HTMLAudioElement, second: HTMLAudioElement) {
    super()
    const { connection } = navigator as Navigator & { connection?: { saveData?: boolean } }
    this.#auto = new AutoQuality(connection?.saveData ?? false)
    const events = {
      onServing: (deck: Deck) => { if (deck === this.current) this.#changed() },
      onRefused: (deck: Deck) => { if (deck === this.current) this.#loadSpare({ isWhole: true }) },
      onUnable: (deck: Deck) => { this.#loadWhole(deck) }
    }
    this.#decks = [new Deck(first, this.#auto, events), new Deck(second, this.#auto, events)]
    for (const deck of this.#decks) this.#listen(deck)
    this.#mark()
  }

  /** The deck that is heard. */
  get current (): Deck {
    return this.#decks[0]
  }

  /** The quality of whole files at the present choice. */
  get quality (): Quality {
    return this.#auto.qualityOf(this.choice)
  }

  get #spare (): Deck {
    return this.#decks[1]
  }

  /** Whether the track before has not ended yet. */
  get #isSpareHeard (): boolean {
    const { audio } = this.#spare
    return !audio.paused && !audio.ended
  }

  get volume (): number {
    return this.current.audio.volume
  }

  setVolume (volume: number): void {
    for (const { audio } of this.#decks) audio.volume = Math.min(Math.max(volume, 0), 1)
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
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#retry !== undefined) this.#say('') // what was said is that it tries again
    this.#stopRetrying()
    for (const { audio } of this.#decks) audio.pause()
    this.#changed()
  }

  toggle (): void {
    if (this.isPlaying) this.pause()
    else this.play()
  }

  next (): void {
    const position = this.queue.following({ isAutomatic: false })
    if (position === undefined) return
    this.queue.goTo(position)
    this.#start(0)
  }

  previous (): void {
    if (this.current.audio.currentTime > RESTART_SECONDS) {
      this.seek(0)
    } else {
      this.queue.goTo(this.queue.preceding)
      this.#start(0)
    }
  }

  seek (seconds: number): void {
    const { audio, duration } = this.current
    clearTimeout(this.#timer)
    this.#timer = undefined
    audio.currentTime = Math.min(Math.max(seconds, 0), Math.max(duration - 0.1, 0))
    this.dispatchEvent(new Event('time'))
  }

  /** Goes on at the same place at another quality. What is heard goes on until the other quality can play. */
  setChoice (choice: Choice): void {
    storeChoice(choice)
    this.choice = choice
    const { track } = this.current
    this.#isSwitching = false
    if (track && (this.current.has(track, choice) || this.current.change(choice))) this.#spare.unload()
    else if (track) this.#loadSpare()
    this.#changed()
  }

  /** Shows what went wrong no longer. */
  closeProblem (): void {
    this.#say('')
    this.#changed()
  }

  /** What is to follow has changed: the queue was edited, or is shuffled or repeated. */
  queueChanged (): void {
    this.#prefetch()
    this.#changed()
  }

  #start (startAt: number): void {
    const track = this.queue.current
    if (!track) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#stopRetrying()
    this.#isSwitching = false
    this.#say('')
    this.isPlaying = true
    if (startAt === 0 && this.#spare.has(track, this.choice) && this.#spare.audio.currentTime === 0) {
      this.#takeOver()
    } else {
      this.#countSaved()
      this.#spare.unload()
      this.current.load(track, this.choice, startAt)
      this.#playDeck(this.current)
    }
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

  /** Loads the current track into the spare deck, which takes over when it can play. */
  #loadSpare (options?: { isWhole: boolean }): void {
    const { track, audio } = this.current
    if (!track) return
    this.#isSwitching = true
    this.#spare.load(track, this.choice, audio.currentTime + (this.isPlaying ? SWITCH_SECONDS : 0), options)
  }

  /** Goes on with the whole file at the same place. If that cannot be loaded either, the audio element reports an error. */
  #loadWhole (deck: Deck): void {
    const { track, choice, audio } = deck
    if (!track || !choice) return
    deck.load(track, choice, audio.currentTime, { isWhole: true })
    if (deck === this.current && this.isPlaying) this.#playDeck(deck)
  }

  /** The spare deck is heard from now on. */
  #takeOver (): void {
    const before = this.current
    this.#countSaved()
    this.#decks = [this.#spare, before]
    this.#isSwitching = false
    this.#timer = undefined
    this.#say('')
    this.#mark()
    if (this.isPlaying) this.#playDeck(this.current)
    before.audio.pause()
    this.#changed()
  }

  #listen (deck: Deck): void {
    const { audio } = deck
    const on = (type: string, listener: () => void) => { audio.addEventListener(type, listener) }
    on('timeupdate', () => {
      if (deck !== this.current) return
      this.#onTime()
      this.#onHeard()
    })
    on('progress', () => { if (deck === this.current) this.#onTime() })
    on('ended', () => { if (deck === this.current) this.#onEnded() })
    on('error', () => { this.#onError(deck) })
    on('canplay', () => { if (deck === this.#spare && this.#isSwitching) this.#switch() })
    for (const type of ['play', 'playing', 'waiting', 'seeked', 'durationchange', 'loadedmetadata']) {
      on(type, () => { if (deck === this.current) this.#changed() })
    }
    on('playing', () => { if (deck === this.current) this.#onPlaying() })
    // Paused by the browser, as when headphones are unplugged. Pauses at the end, after an error and of this player
    // are not meant.
    on('pause', () => { if (deck === this.current && this.isPlaying && !audio.ended && !audio.error && this.#timer === undefined) this.pause() })
  }

  /** The server is back. */
  #onPlaying (): void {
    if (this.#retry === undefined) return
    this.#retry = undefined
    this.closeProblem()
  }

  /** Something plays in spite of a problem, which is shown for a while. */
  #onHeard (): void {
    if (this.problem === '' || this.#retry !== undefined || !this.isPlaying) return
    this.#problemTimer ??= window.setTimeout(() => { this.closeProblem() }, PROBLEM_MS)
  }

  /** @param problem what went wrong; empty for nothing */
  #say (problem: string): void {
    clearTimeout(this.#problemTimer)
    this.#problemTimer = undefined
    this.problem = problem
  }

  #stopRetrying (): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
  }

  #onTime (): void {
    const { audio, duration } = this.current
    this.dispatchEvent(new Event('time'))
    const left = duration - audio.currentTime
    this.#prefetch()
    if (this.isPlaying && left < TIMER_SECONDS && this.#timer === undefined) {
      this.#timer = window.setTimeout(() => { this.#changeOver() }, Math.max(left * 1000 - START_MS, 0))
    }
  }

  /** Loads the next track into the spare deck, in good time. */
  #prefetch (): void {
    const { track, audio, duration, isBuffered, isStream } = this.current
    if (this.#isSwitching || !track || this.#isSpareHeard) return
    const next = this.queue.trackAt(this.queue.following({ isAutomatic: true }))
    if (next && this.#spare.has(next, this.choice) && this.#spare.audio.currentTime === 0) return
    // A stream needs a slow line for itself until all of it is buffered.
    const isTime = isBuffered || (duration > 0 && duration - audio.currentTime < PREFETCH_SECONDS && !isStream)
    if (next && isTime) this.#spare.load(next, this.choice)
    else if (this.#spare.track) this.#spare.unload()
  }

  /** The next track starts in the moment in which the current one ends. */
  #changeOver (): void {
    const position = this.queue.following({ isAutomatic: true })
    const next = this.queue.trackAt(position)
    // The last samples of the current track are still to be heard. So it is not paused, and ends by itself.
    if (!this.isPlaying || position === undefined || !this.#spare.has(next, this.choice) || this.#isSwitching) return
    if (this.#spare.audio.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) return
    this.#countSaved()
    this.queue.goTo(position)
    this.#decks = [this.#spare, this.current]
    this.#timer = undefined
    this.#mark()
    this.#playDeck(this.current)
    this.#changed()
  }

  /** Reached where the next track could not be started in time, and at the end of the queue. */
  #onEnded (): void {
    this.#timer = undefined
    const position = this.queue.following({ isAutomatic: true })
    if (position === undefined) {
      this.isPlaying = false
      this.#changed()
      return
    }
    this.queue.goTo(position)
    this.#start(0)
  }

  /** The spare deck takes over in the moment in which the current one comes to the place where it waits. */
  #switch (): void {
    clearTimeout(this.#switchTimer)
    const { audio } = this.#spare
    const place = this.current.audio.currentTime
    const leftMs = (audio.currentTime - place) * 1000 - (this.isPlaying ? START_MS : 0)
    if (Math.abs(leftMs) < 20) {
      this.#takeOver()
    } else if (this.isPlaying && leftMs > 0 && leftMs <= SWITCH_SECONDS * 1000) {
      this.#switchTimer = window.setTimeout(() => { if (this.#isSwitching) this.#switch() }, leftMs)
    } else {
      audio.currentTime = place + (this.isPlaying ? SWITCH_SECONDS : 0) // `canplay` comes again
    }
  }

  async #onError (deck: Deck): Promise<void> {
    const { track, audio } = deck
    if (!track || !audio.error) return
    if (deck !== this.current) {
      if (this.#isSwitching) {
        this.#isSwitching = false
        this.#say(`${track.title ?? track.name} cannot be played at this quality now.`)
        this.#changed()
      }
      return
    }
    const name = track.title ?? track.name
    const response = await fetch(playUrl(track.path, deck.quality ?? 'original'), { method: 'HEAD' }).catch(() => undefined)
    if (deck.track !== track || !audio.error) return
    if (response?.ok || !mayPass(response?.status ?? 0)) {
      const why = response?.ok
        ? 'cannot be played: the browser does not know its format, or it is damaged'
        : response?.status === 404 ? 'is not in the library any more' : `cannot be played: the server answered ${response?.status}`
      const position = this.queue.following({ isAutomatic: false })
      if (this.isPlaying && position !== undefined && position !== 0) {
        this.queue.goTo(position)
        this.#start(0)
      } else {
        this.isPlaying = false
      }
      this.#say(`${name} ${why}.`)
    } else if (this.isPlaying) { // else it is loaded again when it is to be played
      const place = audio.currentTime
      this.#say(`${name} waits: ${response ? `the server answered ${response.status}` : 'the server does not answer'}. Trying again.`)
      this.#retry = window.setTimeout(() => {
        if (deck !== this.current || deck.track !== track) return
        deck.load(track, this.choice, place)
        this.#playDeck(deck)
      }, RETRY_MS)
    }
    this.#changed()
  }

  #countSaved (): void {
    this.bytesSavedBefore += this.current.bytesSaved
  }

  /** Marks the audio element that is heard. */
  #mark (): void {
    this.current.audio.dataset.deck = 'current'
    this.#spare.audio.dataset.deck = 'spare'
  }

  #changed (): void {
    this.dispatchEvent(new Event('change'))
  }
}
