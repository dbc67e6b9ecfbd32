import { AsyncResource } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { Logger } from 'pino'
import { bitrates } from '@mixtape/mp3'
import { inputScript, isNameable } from './ffmpeg-input.ts'
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
  readonly #log: Logger
  #waiting: SpareEncoder[] = []
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  #hasWarned = false

  constructor (log: Logger) {
    this.#log = log
  }

  /** Starts the encoders that are missing, unless this is closed. */
  start (): void {
    if (this.#isClosed) return
    this.#waiting = this.#waiting.filter(({ hasEnded }) => !hasEnded)
    for (const bitrate of Object.values(bitrates)) {
      const { length } = this.#waiting.filter(spare => spare.bitrate === bitrate)
      for (let i = length; i < PER_QUALITY; i++) this.#waiting.push(new SpareEncoder(bitrate))
    }
  }

  /**
   * @param input path of the source that it is to encode
   * @param bitrate in kbit/s
   * @returns an encoder for one run; undefined where none waits, or none can be told the path
   */
  take (input: string, bitrate: number): SpareEncoder | undefined {
    if (this.#isClosed || !isNameable(input)) return undefined
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.start()
    }, REPLACE_MS)
    const taken = this.#waiting.find(spare => spare.bitrate === bitrate && !spare.hasEnded)
    this.#waiting = this.#waiting.filter(spare => spare !== taken)
    return taken
  }

  /** Logs why one could not encode what another ffmpeg could. Once: all have the same options. */
  warn (error: unknown): void {
    if (!this.#hasWarned) this.#log.warn(error, 'An ffmpeg that was started ahead of time failed, so a listener waited for the start of another one')
    this.#hasWarned = true
  }

  /** Ends the encoders that wait, and starts no more. */
  close (): void {
    this.#isClosed = true
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
  #hasEnded = false
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
    this.#ended.catch(() => {}).finally(() => { this.#hasEnded = true })
  }

  /** Whether ffmpeg has exited. It may do so by itself, for example because it lacks an option. */
  get hasEnded (): boolean {
    return this.#hasEnded
  }

  /**
   * Encodes a source, once.
   *
   * @param run.input absolute path
   * @param run.seconds where the run starts, by the times of the file; 0 for its start
   * @param run.filters as ffmpeg's option -af
   * @returns as `runFfmpeg`
   */
  async run (
    { input, seconds, filters, signal, write }:
    { input: string, seconds: number, filters: string, signal: AbortSignal, write: (bytes: Buffer) => Promise<boolean> }
  ): Promise<number | undefined> {
    const stop = () => { this.stop(signal.reason) }
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    let isRead = false
    // Bytes come in the context in which ffmpeg was started. The trace of this run needs its own.
    this.#write = AsyncResource.bind(async (bytes: Buffer) => {
      if (!isRead) this.#removeFilters()
      isRead = true
      return await write(bytes)
    })
    try {
      // The demuxer starts at a packet before the wanted time, and gives it a negative time.
      await writeFile(this.#filters, seconds > 0 ? `atrim=start=0,${filters}` : filters, { flag: 'wx', mode: 0o600 })
      this.#source.end(inputScript(input, seconds))
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
