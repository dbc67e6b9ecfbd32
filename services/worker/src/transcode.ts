import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ffmpeg from 'fluent-ffmpeg'
import { SAMPLE_RATE } from '@mixtape/audio-cache'
import { inputOptions, inputUrl, STALL_MS } from './ffmpeg-input.ts'

const FFMPEG = fileURLToPath(new URL('../ffmpeg-child.sh', import.meta.url))

/** ffmpeg's count of what it decoded, said at the end of a run at `-v verbose`. */
const DECODED = /Input stream #0:\d+ \(audio\): .*frames decoded.*\((\d+) samples\)/

/** Any status but 126 and 127, which are the shell's own, and 255, with which ffmpeg answers a signal. */
const REFUSED = /exited with code (?!(126|127|255)\b)[1-9]/

/**
 * Decoders drop up to this many samples at the end of a sound file, which is then filled up with silence. A file that
 * lacks more is damaged; it is not filled up, so that nobody takes its silence for music.
 */
const TOLERATED_SAMPLES = 2048

/** The source itself is at fault: ffmpeg has read it and can do nothing with it. */
export class SourceError extends Error {}

interface Run {
  /** Absolute path of the source. */
  input: string
  outputOptions: string[]
  /** From 0, first among processes, to 19. */
  niceness: number
  /** Takes the output in order; ffmpeg waits meanwhile. */
  write: (bytes: Buffer) => Promise<void>
  signal: AbortSignal
}

/**
 * Asks ffmpeg what it can do, as fluent-ffmpeg does before its first run: a quarter of a second that no listener shall
 * wait for.
 *
 * @throws where there is no ffmpeg that can be run
 */
export async function askAbilities (): Promise<void> {
  const command = ffmpeg().setFfmpegPath(FFMPEG)
  await promisify(command.availableFormats.bind(command))()
  await promisify(command.availableEncoders.bind(command))()
}

/**
 * Transcodes the first audio stream of a file to bare frames of constant bitrate MP3, 44.1 kHz stereo.
 *
 * @param samples at 44.1 kHz: the output is cut to this length; it is shorter only where the source is damaged
 * @param bitrate in kbit/s
 * @returns the samples that were decoded, at the rate of the source
 * @throws {SourceError} where ffmpeg refuses the source
 */
export async function transcode (
  { samples, bitrate, ...run }: Omit<Run, 'outputOptions'> & { samples: number, bitrate: number }
): Promise<number> {
  const filters = `aresample=${SAMPLE_RATE},aformat=sample_rates=${SAMPLE_RATE}:channel_layouts=stereo,` +
    `apad=pad_len=${TOLERATED_SAMPLES},atrim=end_sample=${samples}`
  return await runFfmpeg({
    ...run,
    outputOptions: [
      '-map', '0:a:0', '-vn', '-af', filters, '-map_metadata', '-1', '-map_chapters', '-1',
      '-c:a', 'libmp3lame', '-b:a', `${bitrate}k`, '-write_xing', '0', '-id3v2_version', '0',
      '-flush_packets', '0', // into a pipe ffmpeg writes each frame by itself otherwise
      '-f', 'mp3'
    ]
  })
}

/**
 * Decodes the first audio stream of a file to nothing.
 *
 * @returns its samples, at its own rate
 */
export async function countSamples (run: Pick<Run, 'input' | 'niceness' | 'signal'>): Promise<number> {
  return await runFfmpeg({
    ...run,
    outputOptions: ['-map', '0:a:0', '-vn', '-f', 'null'],
    write: async () => {}
  })
}

function runFfmpeg ({ input, outputOptions, niceness, write, signal }: Run): Promise<number> {
  return new Promise((resolve, reject) => {
    let decoded: number | undefined
    let started = false
    let cause: unknown
    let failed = false
    let writing = Promise.resolve()
    const watchdog = setTimeout(() => { stop(new Error('ffmpeg made no progress for a minute')) }, STALL_MS)

    // Without 'close', which fluent-ffmpeg takes for a reader that has left before ffmpeg's exit.
    const output = new Writable({
      autoDestroy: false,
      emitClose: false,
      write (bytes: Buffer, _encoding, done) {
        if (failed) return done()
        watchdog.refresh()
        writing = write(bytes).catch(stop).finally(done)
      }
    })

    const command = ffmpeg({ niceness, stdoutLines: 20 })
      .setFfmpegPath(FFMPEG)
      .input(inputUrl(input))
      // Strings in one array are split at a space; separate arguments are not.
      .inputOptions('-hide_banner', '-v', 'verbose', '-nostdin', '-threads', '1', ...inputOptions)
      .output(output)
      .outputOptions(...outputOptions as [string])
      .on('start', () => {
        started = true
        if (cause) command.kill('SIGKILL')
      })
      // Not 'progress': for that, fluent-ffmpeg probes each source once more.
      .on('stderr', (line: string) => {
        watchdog.refresh()
        const samples = DECODED.exec(line)?.[1]
        if (samples !== undefined) decoded = Number(samples)
      })
      .on('end', () => {
        // ffmpeg has ended, and its last bytes may still be on their way through the pipe.
        if (output.writableFinished) succeed()
        else output.once('finish', succeed)
      })
      .on('error', (error: Error, _stdout: string | null, stderr: string | null) => {
        finish()
        // What ffmpeg said last may still be on its way, and must not get among what a second run says.
        failed = true
        writing.then(() => reject(cause ?? (REFUSED.test(error.message)
          ? new SourceError(lastLines(stderr ?? error.message))
          : error)))
      })

    const abort = () => { stop(signal.reason) }
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    command.run()

    function succeed (): void {
      finish()
      if (cause) reject(cause)
      else if (decoded === undefined) reject(new Error('ffmpeg did not say what it decoded'))
      else resolve(decoded)
    }

    // A kill before 'start' is lost: fluent-ffmpeg asks for ffmpeg's abilities first.
    function stop (error: unknown): void {
      cause ??= error
      if (started) command.kill('SIGKILL')
    }

    function finish (): void {
      clearTimeout(watchdog)
      signal.removeEventListener('abort', abort)
    }
  })
}

function lastLines (stderr: string): string {
  const lines = stderr.split('\n').map(line => line.trim()).filter(line => line && !line.startsWith('size='))
  return lines.slice(-5).join('; ')
}
