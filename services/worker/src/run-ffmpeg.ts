import { Writable, type Readable } from 'node:stream'
import { promisify } from 'node:util'
import ffmpeg from 'fluent-ffmpeg'
import { childProgram } from './child-program.ts'
import { inputUrl, safeInputOptions, STALL_MS } from './ffmpeg-input.ts'

/** The line at the end of a run, at `-v verbose`, in which ffmpeg tells how many samples it decoded. */
const DECODED = /Input stream #0:\d+ \(audio\): .*frames decoded.*\((\d+) samples\)/

/** The line in which ffmpeg tells twice a second how much audio it has written. */
const WRITTEN = /^size=.*\btime=(\S+)/

/** A status that ffmpeg has chosen itself: not 126 or 127 of the shell, nor 255, which means that a signal ended it. */
const REFUSED = /exited with code (?!(126|127|255)\b)[1-9]/

/** The source cannot be transcoded, and a retry will not help. */
export class SourceError extends Error {}

/** ffmpeg made no progress for a minute. */
export class StallError extends Error {}

export interface FfmpegRun {
  /** Absolute path of the source; or what ffmpeg reads at its standard input. While that has not ended, ffmpeg may wait. */
  input: string | Readable
  /** For a path, `safeInputOptions` come first. */
  inputOptions: string[]
  outputOptions: string[]
  /** Scheduling priority of ffmpeg, from 0 (normal) to 19 (lowest). */
  niceness: number
  /**
   * Receives the output in order. ffmpeg waits until the promise resolves.
   *
   * @returns whether this is enough: then ffmpeg is stopped
   */
  write: (bytes: Buffer) => Promise<boolean>
  signal: AbortSignal
}

/**
 * Reads ffmpeg's formats and encoders, which fluent-ffmpeg does before its first run otherwise. It takes 250 ms, for
 * which the first listener would wait.
 *
 * @throws where ffmpeg cannot be run
 */
export async function preloadCapabilities (): Promise<void> {
  const command = ffmpeg().setFfmpegPath(childProgram('ffmpeg'))
  await promisify(command.availableFormats.bind(command))()
  await promisify(command.availableEncoders.bind(command))()
}

/**
 * Runs ffmpeg.
 *
 * @returns the samples that it decoded, per channel; undefined where `write` had enough
 * @throws {SourceError} where ffmpeg refuses the source
 */
export function runFfmpeg (
  { input, inputOptions, outputOptions, niceness, write, signal }: FfmpegRun
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const isPath = typeof input === 'string'
    let decoded: number | undefined
    let written: string | undefined
    let started = false
    let cause: unknown
    let isEnough = false
    let failed = false
    let writing = Promise.resolve()
    let watchdog: NodeJS.Timeout | undefined
    const watch = () => {
      watchdog = setTimeout(() => { stop(new StallError(`ffmpeg made no progress for ${STALL_MS / 1000} s`)) }, STALL_MS)
    }

    // It never emits 'close': fluent-ffmpeg would take that for a reader that left before ffmpeg exited.
    const output = new Writable({
      autoDestroy: false,
      emitClose: false,
      write (bytes: Buffer, _encoding, done) {
        if (failed || isEnough) return done()
        watchdog?.refresh()
        writing = write(bytes).then(enough => {
          if (!enough) return
          isEnough = true
          stop(new Error('Enough is written'))
        }).catch(stop).finally(done)
      }
    })

    const command = ffmpeg({ niceness, stdoutLines: 20 })
      .setFfmpegPath(childProgram('ffmpeg'))
      .input(isPath ? inputUrl(input) : input)
      // Separate arguments: fluent-ffmpeg splits the strings of an array at spaces.
      .inputOptions('-hide_banner', '-v', 'verbose', '-nostdin', '-threads', '1', ...isPath ? safeInputOptions : [], ...inputOptions)
      .output(output)
      .outputOptions(...outputOptions as [string])
      .on('start', () => {
        started = true
        if (cause) command.kill('SIGKILL')
      })
      // Not the event 'progress': for it, fluent-ffmpeg would run ffprobe on each source.
      .on('stderr', (line: string) => {
        // Any other line is no progress: a decoder may complain without end.
        const time = WRITTEN.exec(line)?.[1]
        if (time !== undefined && time !== written) watchdog?.refresh()
        written = time ?? written
        const samples = DECODED.exec(line)?.[1]
        if (samples !== undefined) decoded = Number(samples)
      })
      .on('end', () => {
        // ffmpeg has exited, but its last bytes may still be in the pipe.
        if (output.writableFinished) succeed()
        else output.once('finish', succeed)
      })
      .on('error', (error: Error, _stdout: string | null, stderr: string | null) => {
        finish()
        if (isEnough) return resolve(undefined)
        // The last bytes of this run must be written before a second run starts, or dropped.
        failed = true
        writing.then(() => reject(cause ?? (REFUSED.test(error.message)
          ? new SourceError(lastLines(stderr ?? error.message))
          : error)))
      })

    const abort = () => { stop(signal.reason) }
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    if (isPath) watch()
    else input.once('end', watch)
    command.run()

    function succeed (): void {
      finish()
      if (isEnough) resolve(undefined)
      else if (cause) reject(cause)
      else if (decoded === undefined) reject(new Error('ffmpeg did not tell how many samples it decoded'))
      else resolve(decoded)
    }

    // Before 'start' there is no process yet: fluent-ffmpeg reads ffmpeg's capabilities first.
    function stop (error: unknown): void {
      cause ??= error
      if (started) command.kill('SIGKILL')
    }

    function finish (): void {
      clearTimeout(watchdog)
      if (!isPath) input.off('end', watch)
      signal.removeEventListener('abort', abort)
    }
  })
}

function lastLines (stderr: string): string {
  const lines = stderr.split('\n').map(line => line.trim()).filter(line => line && !line.startsWith('size='))
  return lines.slice(-5).join('; ')
}
