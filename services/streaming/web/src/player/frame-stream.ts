import { RequestError } from '../api/library.ts'
import type { TranscodeQuality } from '../api/qualities.ts'
import { BLOCK_SECONDS, blockAt, startOf, Transcode, type Blocks } from '../api/transcode.ts'
import type { AutoQuality } from './auto-quality.ts'
import { bufferedEnd } from './buffered.ts'
import { FrameBuffer, type Piece } from './frame-buffer.ts'

/** Seconds that are loaded ahead of what is heard. */
const MAX_AHEAD = 40

/** Blocks that are fetched at once, if they play for no more than a third of what is buffered. */
const MAX_BLOCKS = 16

/** Seconds in which frames of a quality that was chosen should arrive, and least seconds to hand them over. */
const REPLACE_AFTER = 0.6
const HAND_OVER = 0.3

/** Blocks that are fetched first of a quality that was chosen. */
const REPLACE_BLOCKS = 2

/** Time after which a piece is asked for again that the server could not send. */
const RETRY_MS = 1000

/** What a listener may choose of a track that is transcoded. */
export type TranscodeChoice = TranscodeQuality | 'auto'

export interface FrameStreamOptions {
  path: string
  choice: TranscodeChoice
  auto: AutoQuality
  /** Called when what was chosen while it plays is not there as a transcode. It goes on as before. */
  onRefused: () => void
  /** Called when it cannot go on: there is no transcode, or the server has failed until nothing was buffered any more. */
  onUnable: () => void
}

/**
 * Feeds an audio element with the frames of a track's transcodes, by Media Source Extensions. Frame n holds the same samples at
 * every quality, so a change of quality goes on with the next frame of another file, and nobody hears it.
 */
export class FrameStream {
  readonly #audio: HTMLAudioElement
  readonly #path: string
  readonly #auto: AutoQuality
  readonly #onRefused: () => void
  #choice: TranscodeChoice
  readonly #buffer: FrameBuffer
  /** One for each level that was wanted; that of another level where a level is not there. */
  readonly #transcodes = new Map<TranscodeQuality, Transcode>()
  /** What the audio element will be given as soon as playing can start. */
  #held: Piece[] = []
  /** Whether what is buffered has another quality than was chosen. */
  #isReplacing = false
  #replaceAfter = REPLACE_AFTER
  readonly #closer = new AbortController()
  #fetching = new AbortController()
  #wake = () => {}

  /** Becomes the source of an audio element, which may be told at once to play and where to start. */
  constructor (audio: HTMLAudioElement, { path, choice, auto, onRefused, onUnable }: FrameStreamOptions) {
    this.#audio = audio
    this.#path = path
    this.#choice = choice
    this.#auto = auto
    this.#onRefused = onRefused
    const { signal } = this.#closer
    audio.addEventListener('timeupdate', () => { this.#wake() }, { signal })
    audio.addEventListener('seeking', () => { this.#onSeeking() }, { signal })
    this.#buffer = new FrameBuffer(audio, () => { this.#run().catch(() => { if (!signal.aborted) onUnable() }) })
  }

  /** Goes on at another quality within two seconds, or, if `auto` is chosen, when that sees a reason. */
  setChoice (choice: TranscodeChoice): void {
    this.#choice = choice
    this.#isReplacing = choice !== 'auto'
    this.#replaceAfter = REPLACE_AFTER
    this.#held = []
    this.#fetching.abort()
    this.#wake()
  }

  close (): void {
    this.#closer.abort()
    this.#fetching.abort()
    this.#wake()
  }

  /** @returns what is heard at a place, in seconds; undefined until the server has answered */
  transcodeAt (seconds: number): Transcode | undefined {
    return this.#buffer.transcodeAt(seconds) ?? this.#anyTranscode
  }

  /** Share of the track that was loaded, from 0 to 1. */
  get shareLoaded (): number {
    return this.#buffer.blockCount / (this.#anyTranscode?.blocks ?? Infinity)
  }

  get bytesLoaded (): number {
    return [...new Set(this.#transcodes.values())].reduce((sum, { fetched }) => sum + fetched.bytes, 0)
  }

  get #anyTranscode (): Transcode | undefined {
    return this.#transcodes.values().next().value
  }

  async #run (): Promise<void> {
    while (!this.#closer.signal.aborted) {
      const blocks = this.#wanted()
      if (blocks) await this.#load(blocks)
      else await new Promise<void>(resolve => { this.#wake = resolve })
    }
  }

  /** @returns the blocks to be fetched next; undefined where all is buffered that is needed for now */
  #wanted (): Blocks | undefined {
    const { currentTime } = this.#audio
    const { blocks: all = Infinity, duration = Infinity } = this.#anyTranscode ?? {}
    const end = this.#loadedEnd
    if (this.#isReplacing) {
      const first = blockAt(currentTime + this.#replaceAfter) + 1
      if (first < all && startOf(first) < end) return { first, end: Math.min(first + REPLACE_BLOCKS, all) }
      this.#isReplacing = false
    }
    if (end >= duration - 0.01) {
      this.#buffer.end()
      return undefined
    }
    if (this.#ahead > MAX_AHEAD) return undefined
    const first = blockAt(end)
    const count = Math.min(Math.max(Math.floor(this.#ahead / 3 / BLOCK_SECONDS), 1), MAX_BLOCKS)
    return { first, end: Math.min(first + count, all) }
  }

  /** Where that ends which is buffered or held, in seconds. */
  get #loadedEnd (): number {
    const held = this.#held.at(-1)
    return held ? startOf(held.end) : bufferedEnd(this.#audio)
  }

  /** Seconds that can be played without the line. */
  get #ahead (): number {
    return this.#loadedEnd - this.#audio.currentTime
  }

  async #load (blocks: Blocks): Promise<void> {
    const { signal } = this.#fetching = new AbortController()
    try {
      const piece = await this.#fetch(blocks, signal)
      if (signal.aborted) return
      if (this.#isReplacing) await this.#replace(piece)
      else await this.#add(piece)
    } catch (error) {
      if (signal.aborted) return
      const heard = this.transcodeAt(this.#audio.currentTime)
      if (this.#isReplacing && heard && !(error instanceof RequestError)) {
        this.#isReplacing = false
        this.#choice = heard.quality
        this.#onRefused()
        return
      }
      if (this.#ahead < 1) throw error
      if (!(error instanceof RequestError)) this.#transcodes.clear() // other bytes are served now
      await new Promise(resolve => { setTimeout(resolve, RETRY_MS) }) // what is buffered plays on meanwhile
    }
  }

  async #fetch ({ first, end }: Blocks, signal: AbortSignal): Promise<Piece> {
    const isAuto = this.#choice === 'auto'
    const level = this.#choice === 'auto' ? this.#auto.next(this.#ahead, performance.now() / 1000) : this.#choice
    const known = this.#transcodes.get(level)
    const transcode = known ?? await this.#open(level, first === 0, signal)
    const piece = { first, end: Math.min(end, transcode.blocks) }
    // The encoder's speed must not be taken for that of the line.
    const isHit = transcode.serving.outcome === 'hit'
    const isMeasured = isHit || (isAuto && known !== undefined && this.#ahead > 0)
    if (isMeasured && !isHit) await transcode.isMade(piece, signal)
    const before = known ? { ...known.fetched } : { bytes: 0, seconds: 0 }
    const bytes = await transcode.fetch(piece, signal)
    if (isMeasured) {
      const { fetched } = transcode
      this.#auto.measured(fetched.bytes - before.bytes, fetched.seconds - before.seconds, (piece.end - first) * BLOCK_SECONDS)
    }
    return { ...piece, transcode, bytes }
  }

  async #open (level: TranscodeQuality, isStart: boolean, signal: AbortSignal): Promise<Transcode> {
    const any = this.#anyTranscode
    const opened = await Transcode.open(this.#path, level, isStart, signal) ?? (this.#choice === 'auto' ? any : undefined)
    if (!opened) throw new Error(`There is no transcode at ${level}`)
    this.#buffer.setDuration(opened.duration)
    this.#transcodes.set(level, opened)
    return opened
  }

  /** Gives the audio element the next piece. On a slow line, it gets its first pieces together. */
  async #add (piece: Piece): Promise<void> {
    this.#held.push(piece)
    const { currentTime } = this.#audio
    const isStarted = bufferedEnd(this.#audio) > currentTime
    const isLast = piece.end === piece.transcode.blocks
    if (this.#choice === 'auto' && !isStarted && !isLast && !this.#auto.canStart(startOf(piece.end) - currentTime)) return
    const pieces = this.#held
    this.#held = []
    for (const held of pieces) await this.#buffer.append(held)
  }

  /** Puts a piece in the place of what is buffered, which is dropped from there on. */
  async #replace ({ first, end, transcode, bytes }: Piece): Promise<void> {
    const start = Math.max(first, blockAt(this.#audio.currentTime + HAND_OVER) + 1)
    if (start >= end) {
      this.#replaceAfter *= 2 // it has come too late, and later blocks are fetched
      return
    }
    await this.#buffer.append({ first: start, end, transcode, bytes: bytes.subarray((start - first) * transcode.blockBytes) })
    this.#isReplacing = false
    if (end < transcode.blocks) await this.#buffer.dropFrom(end)
  }

  #onSeeking (): void {
    if (bufferedEnd(this.#audio) <= this.#audio.currentTime) {
      this.#held = []
      this.#fetching.abort()
    }
    this.#wake()
  }
}
