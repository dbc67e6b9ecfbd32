import type { TrackEntry } from '../api/library.ts'
import { storedQuality, storeQuality, type Quality } from '../api/qualities.ts'
import { Deck } from './deck.ts'
import { Queue } from './queue.ts'

/** The next track is loaded this many seconds before the end of the current one, or as soon as that is buffered whole. */
const PREFETCH_SECONDS = 30

/** From this many seconds before the end, a timer waits for the exact moment: events of the audio element come too seldom. */
const TIMER_SECONDS = 1.5

/**
 * The next track is started this many milliseconds before the end of the current one. In Chromium an element that is told to
 * play is heard at once; later than the end would be a gap.
 */
const START_MS = 8

/** Within this many seconds, `previous` goes to the track before, and afterwards to the start of the track. */
const RESTART_SECONDS = 3

/** Time after which a track is tried again that could not be loaded because the server was away. */
const RETRY_MS = 3000

/**
 * Plays a queue with two audio elements: one plays, and the other loads what comes next, which is the next track or the same
 * track at another quality. Then they change places.
 *
 * Events: `change` when another track, state or setting is shown; `time` while it plays.
 */
export class Player extends EventTarget {
  readonly queue = new Queue()
  quality: Quality = storedQuality()
  /** Whether the listener wants to hear something. While a track loads, this is true and nothing is heard. */
  isPlaying = false
  /** Bytes that originals of the tracks before would have taken more. */
  bytesSavedBefore = 0
  /** What went wrong, for people. */
  problem = ''
  #decks: [Deck, Deck]
  #timer: number | undefined
  #retry: number | undefined
  /** The spare deck has the current track at the quality that was chosen, and takes over when it can play. */
  #isSwitching = false

  constructor (first: HTMLAudioElement, second: HTMLAudioElement) {
    super()
    const onServing = (deck: Deck) => { if (deck === this.current) this.#changed() }
    this.#decks = [new Deck(first, onServing), new Deck(second, onServing)]
    for (const deck of this.#decks) this.#listen(deck)
    this.#mark()
  }

  /** The deck that is heard. */
  get current (): Deck {
    return this.#decks[0]
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
  playAll (tracks: TrackEntry[], start: number): void {
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
    if (track) this.current.load(track, this.quality, startAt)
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
    clearTimeout(this.#retry)
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
  setQuality (quality: Quality): void {
    storeQuality(quality)
    this.quality = quality
    const { track, audio } = this.current
    this.#isSwitching = false
    if (track && !this.current.has(track, quality)) {
      this.#isSwitching = true
      this.#spare.load(track, quality, audio.currentTime)
    } else if (track) {
      this.#spare.unload()
    }
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
    clearTimeout(this.#retry)
    this.#timer = this.#retry = undefined
    this.#isSwitching = false
    this.problem = ''
    this.isPlaying = true
    if (startAt === 0 && this.#spare.has(track, this.quality) && this.#spare.audio.currentTime === 0) {
      this.#takeOver()
    } else {
      this.#countSaved()
      this.#spare.unload()
      this.current.load(track, this.quality, startAt)
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

  /** The spare deck is heard from now on. */
  #takeOver (): void {
    const before = this.current
    this.#countSaved()
    this.#decks = [this.#spare, before]
    this.#isSwitching = false
    this.#timer = undefined
    this.problem = ''
    this.#mark()
    if (this.isPlaying) this.#playDeck(this.current)
    before.audio.pause()
    this.#changed()
  }

  #listen (deck: Deck): void {
    const { audio } = deck
    const on = (type: string, listener: () => void) => { audio.addEventListener(type, listener) }
    on('timeupdate', () => { if (deck === this.current) this.#onTime() })
    on('progress', () => { if (deck === this.current) this.#onTime() })
    on('ended', () => { if (deck === this.current) this.#onEnded() })
    on('error', () => { this.#onError(deck) })
    on('canplay', () => { if (deck === this.#spare && this.#isSwitching) this.#switch() })
    for (const type of ['play', 'playing', 'waiting', 'durationchange', 'loadedmetadata']) {
      on(type, () => { if (deck === this.current) this.#changed() })
    }
    on('playing', () => { if (deck === this.current) this.#onPlaying() })
    // Paused by the browser, as when headphones are unplugged. Pauses at the end, after an error and of this player
    // are not meant.
    on('pause', () => { if (deck === this.current && this.isPlaying && !audio.ended && !audio.error && this.#timer === undefined) this.pause() })
  }

  /** The server is back. Other problems are shown until the next track. */
  #onPlaying (): void {
    if (this.#retry === undefined) return
    this.#retry = undefined
    this.problem = ''
    this.#changed()
  }

  #onTime (): void {
    const { audio, duration } = this.current
    this.dispatchEvent(new Event('time'))
    const left = duration - audio.currentTime
    const isBuffered = this.current.bufferedEnd >= duration - 0.5
    if (duration > 0 && (isBuffered || left < PREFETCH_SECONDS)) this.#prefetch()
    if (this.isPlaying && left < TIMER_SECONDS && this.#timer === undefined) {
      this.#timer = window.setTimeout(() => { this.#changeOver() }, Math.max(left * 1000 - START_MS, 0))
    }
  }

  /** Loads the next track into the spare deck. */
  #prefetch (): void {
    if (this.#isSwitching || !this.current.track || this.#isSpareHeard) return
    const next = this.queue.trackAt(this.queue.following({ isAutomatic: true }))
    if (!next) {
      if (this.#spare.track) this.#spare.unload()
    } else if (!this.#spare.has(next, this.quality) || this.#spare.audio.currentTime > 0) {
      this.#spare.load(next, this.quality)
    }
  }

  /** The next track starts in the moment in which the current one ends. */
  #changeOver (): void {
    const position = this.queue.following({ isAutomatic: true })
    const next = this.queue.trackAt(position)
    // The last samples of the current track are still to be heard. So it is not paused, and ends by itself.
    if (!this.isPlaying || position === undefined || !this.#spare.has(next, this.quality) || this.#isSwitching) return
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

  #switch (): void {
    const { audio } = this.#spare
    const place = this.current.audio.currentTime
    if (Math.abs(audio.currentTime - place) > 0.05 && this.isPlaying) {
      audio.currentTime = place + 0.05 // the time that the seek takes
      if (audio.seeking) return // `canplay` comes again
    }
    this.#takeOver()
  }

  async #onError (deck: Deck): Promise<void> {
    const { track, audio } = deck
    if (!track || !audio.error) return
    if (deck !== this.current) {
      if (this.#isSwitching) {
        this.#isSwitching = false
        this.problem = `${track.title ?? track.name} cannot be played at this quality now.`
        this.#changed()
      }
      return
    }
    const name = track.title ?? track.name
    const response = await fetch(audio.src, { method: 'HEAD' }).catch(() => undefined)
    if (deck.track !== track || !audio.error) return
    if (response?.ok || response?.status === 404) {
      this.problem = response.ok ? `${name} cannot be played: the browser does not know its format, or it is damaged.` : `${name} is not in the library any more.`
      const position = this.queue.following({ isAutomatic: false })
      const problem = this.problem
      if (this.isPlaying && position !== undefined && position !== 0) {
        this.queue.goTo(position)
        this.#start(0)
        this.problem = problem
      } else {
        this.isPlaying = false
      }
    } else {
      const place = audio.currentTime
      this.problem = `${name} waits: ${response ? `the server answered ${response.status}` : 'the server does not answer'}. Trying again.`
      this.#retry = window.setTimeout(() => {
        if (deck !== this.current || deck.track !== track) return
        deck.load(track, this.quality, place)
        if (this.isPlaying) this.#playDeck(deck)
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
