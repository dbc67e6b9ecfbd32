import { blockAt, startOf, type Blocks, type Transcode } from '../api/transcode.ts'

/** Blocks of one transcode. */
export interface Piece extends Blocks {
  transcode: Transcode
  bytes: Uint8Array<ArrayBuffer>
}

/** The frames that an audio element can play, by Media Source Extensions. */
export class FrameBuffer {
  readonly #source = new MediaSource()
  /** In the order of time. */
  readonly #appended: Omit<Piece, 'bytes'>[] = []
  /** Numbers of the blocks that were appended. The browser drops some of them again in a long track. */
  readonly #blocks = new Set<number>()
  #buffer: SourceBuffer | undefined

  static get isSupported (): boolean {
    return 'MediaSource' in window && MediaSource.isTypeSupported('audio/mpeg')
  }

  /** Becomes the source of an audio element. @param onOpen called when frames can be appended */
  constructor (audio: HTMLAudioElement, onOpen: () => void) {
    const url = URL.createObjectURL(this.#source)
    this.#source.addEventListener('sourceopen', () => {
      URL.revokeObjectURL(url)
      this.#buffer = this.#source.addSourceBuffer('audio/mpeg')
      onOpen()
    }, { once: true })
    audio.src = url
  }

  /** @throws where the track has had another duration */
  setDuration (seconds: number): void {
    const { duration } = this.#source
    if (Number.isNaN(duration)) this.#source.duration = seconds
    else if (Math.abs(duration - seconds) > 0.001) throw new Error('The track was replaced')
  }

  /** Takes the place of frames that are buffered for the same time. */
  async append ({ first, end, transcode, bytes }: Piece): Promise<void> {
    const buffer = this.#buffer as SourceBuffer
    if (this.#source.readyState === 'open') buffer.abort() // the next frame need not follow the last one
    buffer.timestampOffset = startOf(first)
    buffer.appendWindowEnd = transcode.duration
    buffer.appendBuffer(bytes)
    await updated(buffer)
    this.#appended.push({ first, end, transcode })
    for (let block = first; block < end; block++) this.#blocks.add(block)
  }

  /** Drops what is buffered from a block on. */
  async dropFrom (block: number): Promise<void> {
    const buffer = this.#buffer as SourceBuffer
    buffer.remove(startOf(block) - 0.005, Infinity) // some milliseconds before its first frame, and after the frame before
    await updated(buffer)
  }

  /** Tells that nothing follows what is buffered. More can be appended all the same, after a seek. */
  end (): void {
    if (this.#source.readyState === 'open') this.#source.endOfStream()
  }

  /** @returns whose frames are buffered for a place, in seconds */
  transcodeAt (seconds: number): Transcode | undefined {
    const block = blockAt(seconds)
    return this.#appended.findLast(({ first, end }) => first <= block && block < end)?.transcode
  }

  /** Number of different blocks that were appended. */
  get blockCount (): number {
    return this.#blocks.size
  }
}

async function updated (buffer: SourceBuffer): Promise<void> {
  await new Promise(resolve => { buffer.addEventListener('updateend', resolve, { once: true }) })
}
