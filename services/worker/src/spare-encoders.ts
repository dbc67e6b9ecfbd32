import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { bitrates } from '@mixtape/mp3'
import { inputScript } from './ffmpeg-input.ts'
import { runFfmpeg } from './run-ffmpeg.ts'
import { encoderOptions } from './transcode.ts'

/** A listener who starts in mid-track needs two: one encodes the track, and one the place. */
const PER_QUALITY = 2

/** Encoders that were taken are replaced after this time: at once, their start would slow down those that were taken. */
const REPLACE_MS = 1000

/**
 * ffmpegs that have started and wait for a source, for listeners. Debian's ffmpeg loads 215 libraries: to its first byte it
 * takes 130 ms, and a spare one takes 24. While it waits, it has 10 MB of memory of its own.
 */
export class SpareEncoders {
  #waiting: SpareEncoder[] = []
  #timer: NodeJS.Timeout | undefined

  /** Starts the encoders that are missing. */
  start (): void {
    this.#waiting = this.#waiting.filter(({ isWaiting }) => isWaiting)
    for (const bitrate of Object.values(bitrates)) {
      const { length } = this.#waiting.filter(spare => spare.bitrate === bitrate)
      for (let i = length; i < PER_QUALITY; i++) this.#waiting.push(new SpareEncoder(bitrate))
    }
  }

  /**
   * @param bitrate in kbit/s
   * @returns an encoder for one run; undefined where none waits
   */
  take (bitrate: number): SpareEncoder | undefined {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.start()
    }, REPLACE_MS)
    const taken = this.#waiting.find(spare => spare.bitrate === bitrate && spare.isWaiting)
    this.#waiting = this.#waiting.filter(spare => spare !== taken)
    return taken
  }

  /** Ends the encoders that wait. */
  close (): void {
    clearTimeout(this.#timer)
    for (const spare of this.#waiting) spare.stop()
  }
}

/** An ffmpeg that has started, and waits until it is told what to read. */
export class SpareEncoder {
  /** In kbit/s. */
  readonly bitrate: number
  /** Its standard input, where it reads which source to encode. */
  readonly #source = new PassThrough()
  /** The file from which it reads its filters after that. */
  readonly #filters = join(tmpdir(), `mixtape-audio-${randomUUID()}.filters`)
  readonly #stopping = new AbortController()
  readonly #ended: Promise<number | undefined>
  #isWaiting = true
  #write: (bytes: Buffer) => Promise<boolean> = async () => true

  constructor (bitrate: number) {
    this.bitrate = bitrate
    this.#ended = runFfmpeg({
      input: this.#source,
      inputOptions: ['-f', 'concat', '-safe', '0', '-protocol_whitelist', 'file,pipe'],
      // Without -copyts, nothing tells how far before the wanted time the first packet starts.
      outputOptions: ['-copyts', '-filter_script:a', this.#filters, ...encoderOptions(bitrate)],
      niceness: 0,
      signal: this.#stopping.signal,
      write: async bytes => await this.#write(bytes)
    })
    this.#ended.catch(() => {}).finally(() => { this.#isWaiting = false })
  }

  /** Whether it has not ended, for example because this ffmpeg lacks an option. */
  get isWaiting (): boolean {
    return this.#isWaiting
  }

  /**
   * Encodes a source, once.
   *
   * @param run.input absolute path
   * @param run.seekSeconds where the run starts
   * @param run.filters as ffmpeg's option -af
   * @returns as `runFfmpeg`
   */
  async run (
    { input, seekSeconds, filters, signal, write }:
    { input: string, seekSeconds: number, filters: string, signal: AbortSignal, write: (bytes: Buffer) => Promise<boolean> }
  ): Promise<number | undefined> {
    const stop = () => { this.stop(signal.reason) }
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    let isRead = false
    this.#write = async bytes => {
      if (!isRead) this.#removeFilters()
      isRead = true
      return await write(bytes)
    }
    try {
      // The demuxer starts at a packet before the wanted time, which is its time 0.
      await writeFile(this.#filters, seekSeconds > 0 ? `atrim=start=0,${filters}` : filters)
      this.#source.end(inputScript(input, seekSeconds))
      return await this.#ended
    } catch (error) {
      this.stop(error)
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
      if (!isRead) this.#removeFilters()
    }
  }

  stop (reason?: unknown): void {
    this.#stopping.abort(reason)
  }

  #removeFilters (): void {
    rm(this.#filters, { force: true }).catch(() => {})
  }
}
