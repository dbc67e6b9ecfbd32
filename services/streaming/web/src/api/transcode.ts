import { request, RequestError } from './library.ts'
import { QUALITIES, type TranscodeQuality } from './qualities.ts'
import { playUrl, servingOf, type Serving } from './serving.ts'

/** Samples per channel and second of every transcode. */
const SAMPLE_RATE = 44100

/**
 * Seconds of a block of 49 frames. It starts at the same sample and has a whole number of bytes at every quality
 * (packages/mp3/src/frame-layout.ts).
 */
export const BLOCK_SECONDS = 49 * 1152 / SAMPLE_RATE

/** Bytes of a block for each kbit/s. */
const BLOCK_BYTES = 160

/** Silence before the audio: 576 samples of the encoder, and 529 of any decoder. */
const DELAY_SECONDS = (576 + 529) / SAMPLE_RATE

/** Bytes that hold the tag and the Info frame, unless the tag is long. So few are no start of a track to the server. */
const HEAD_BYTES = 2048

const ID3V1_BYTES = 128

/** From `first` to before `end`. */
export interface Blocks {
  first: number
  end: number
}

/** @returns the number of the block that holds a place, in seconds */
export function blockAt (seconds: number): number {
  return Math.floor((seconds + DELAY_SECONDS) / BLOCK_SECONDS + 0.001)
}

/** @returns the place at which a block starts, in seconds; that of the first is before the audio, and is not heard */
export function startOf (block: number): number {
  return block * BLOCK_SECONDS - DELAY_SECONDS
}

/** The MP3 of a track at one quality, of which blocks of frames can be fetched. */
export class Transcode {
  readonly quality: TranscodeQuality
  readonly serving: Serving
  /** In seconds, exact. */
  readonly duration: number
  /** The last one may be shorter. */
  readonly blocks: number
  /** What was fetched so far, and the time from headers to last bytes: the server's time to answer does not count. */
  readonly fetched = { bytes: 0, seconds: 0 }
  readonly #url: string
  readonly #etag: string | null
  readonly #layout: Layout
  /** The first bytes of the file. */
  readonly #head: Uint8Array<ArrayBuffer>

  /**
   * Asks for a transcode, which also has it made where it is missing.
   *
   * @param isStart whether the track is played from its start: the first block is fetched with the head
   * @returns undefined where the server sends something else, and for an MP3 that another tool made
   * @throws RequestError
   */
  static async open (path: string, quality: TranscodeQuality, isStart: boolean, signal: AbortSignal): Promise<Transcode | undefined> {
    const url = playUrl(path, quality)
    const head = await fetchRange(url, 0, HEAD_BYTES + (isStart ? blockBytes(quality) : 0), signal)
    const size = Number(/\/(\d+)$/.exec(head.headers.get('content-range') ?? '')?.[1])
    const serving = servingOf(head.headers, size)
    if (serving.outcome !== 'hit' && serving.outcome !== 'live') return undefined
    const infoEnd = tagBytes(head.bytes) + infoFrameBytes(quality)
    const whole = infoEnd > head.bytes.length ? await fetchRange(url, 0, infoEnd, signal) : head
    const layout = readLayout(whole.bytes, quality, size)
    return layout && new Transcode(url, quality, serving, layout, whole)
  }

  private constructor (url: string, quality: TranscodeQuality, serving: Serving, layout: Layout, head: Fetched) {
    this.quality = quality
    this.serving = serving
    this.duration = layout.samples / SAMPLE_RATE
    this.blocks = Math.ceil((layout.audioEnd - layout.audioStart) / blockBytes(quality))
    this.#url = url
    this.#etag = head.headers.get('etag')
    this.#layout = layout
    this.#head = head.bytes
    this.#count(head)
  }

  /** Bytes of each block but the last. */
  get blockBytes (): number {
    return blockBytes(this.quality)
  }

  /**
   * Fetches the frames of some blocks.
   *
   * @throws RequestError; another error where other bytes are served than when the transcode was opened
   */
  async fetch ({ first, end }: Blocks, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const [from, to] = [this.#position(first), this.#position(end)]
    return to <= this.#head.length ? this.#head.subarray(from, to) : await this.#fetch(from, to, signal)
  }

  /** Resolves when some blocks can be sent at once, which takes a while only where the transcode is still made. */
  async isMade ({ end }: Blocks, signal: AbortSignal): Promise<void> {
    await this.#fetch(this.#position(end) - 1, this.#position(end), signal)
  }

  async #fetch (start: number, end: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const fetched = await fetchRange(this.#url, start, end, signal)
    this.#count(fetched)
    if (fetched.headers.get('etag') !== this.#etag || fetched.bytes.length !== end - start) throw new Error('The MP3 was made anew')
    return fetched.bytes
  }

  #count ({ bytes, seconds }: Fetched): void {
    this.fetched.bytes += bytes.length
    this.fetched.seconds += seconds
  }

  #position (block: number): number {
    return Math.min(this.#layout.audioStart + block * blockBytes(this.quality), this.#layout.audioEnd)
  }
}

interface Fetched {
  headers: Headers
  bytes: Uint8Array<ArrayBuffer>
  seconds: number
}

async function fetchRange (url: string, start: number, end: number, signal: AbortSignal): Promise<Fetched> {
  // Past the browser's cache: what comes out of it would be taken for a fast line. Not `no-store`, which is also past the service worker.
  const response = await request(url, { headers: { range: `bytes=${start}-${end - 1}` }, cache: 'reload', signal })
  const answered = performance.now()
  try {
    const bytes = new Uint8Array(await response.arrayBuffer())
    return { headers: response.headers, bytes, seconds: (performance.now() - answered) / 1000 }
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error
    throw new RequestError(0, 'The server does not answer.')
  }
}

function blockBytes (quality: TranscodeQuality): number {
  return (QUALITIES[quality].kbits ?? 0) * BLOCK_BYTES
}

interface Layout {
  /** Positions of the first audio frame and of the end of the last one. */
  audioStart: number
  audioEnd: number
  /** Per channel, without the silence at both ends. */
  samples: number
}

/** Bytes of an ID3v2 tag at the start of a file (id3v2.4.0, 3.1). */
function tagBytes (head: Uint8Array): number {
  const [, , , , , , a = 0, b = 0, c = 0, d = 0] = head
  return String.fromCharCode(...head.subarray(0, 3)) === 'ID3' ? 10 + (a << 21 | b << 14 | c << 7 | d) : 0
}

function infoFrameBytes (quality: TranscodeQuality): number {
  return Math.floor(144000 * (QUALITIES[quality].kbits ?? 0) / SAMPLE_RATE)
}

/**
 * Reads the Info frame.
 *
 * @returns undefined for an MP3 that is not made of frames of a constant bitrate after one Info frame
 */
function readLayout (head: Uint8Array, quality: TranscodeQuality, size: number): Layout | undefined {
  const start = tagBytes(head)
  const audioStart = start + infoFrameBytes(quality)
  if (head.length < audioStart || String.fromCharCode(...head.subarray(start + 36, start + 40)) !== 'Info') return undefined
  const view = new DataView(head.buffer, start)
  const frames = view.getUint32(44)
  const audioEnd = start + view.getUint32(48)
  const silence = view.getUint32(176) & 0xffffff // delay and padding, 12 bits each
  const bytes = frames * 1152 * (QUALITIES[quality].kbits ?? 0) * 125 / SAMPLE_RATE
  if (audioEnd + ID3V1_BYTES !== size || Math.abs(audioEnd - audioStart - bytes) > 2) return undefined
  return { audioStart, audioEnd, samples: frames * 1152 - (silence >> 12) - (silence & 0xfff) }
}
