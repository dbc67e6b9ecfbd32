import { Writable } from 'node:stream'
import { promisify } from 'node:util'
import ffmpeg from 'fluent-ffmpeg'
import { BLOCK_SAMPLES, SAMPLE_RATE } from '@mixtape/mp3'
import { markEvent, span } from '@mixtape/tracing'
import { childProgram } from './child-program.ts'
import { inputUrl, safeInputOptions, STALL_MS } from './ffmpeg-input.ts'

/** Bytes of a block at 1 kbit/s: 1.28 s are 160 bytes. */
const BYTES_PER_BLOCK_AND_KBIT = 160

/**
 * Blocks that a run in mid-track encodes first and drops, because its first frames may differ from those of a run from the
 * start. In noise that alternates between loud and quiet (-20 to -94 dB), at 494 places, the frames after one block
 * differed at up to 7 of 26 places, and those after two or more blocks nowhere. The third is for safety.
 */
const WARM_UP_BLOCKS = 3

/** The line at the end of a run, at `-v verbose`, in which ffmpeg tells how many samples it decoded. */
const DECODED = /Input stream #0:\d+ \(audio\): .*frames decoded.*\((\d+) samples\)/

/** A status that ffmpeg has chosen itself: not 126 or 127 of the shell, nor 255, which means that a signal ended it. */
const REFUSED = /exited with code (?!(126|127|255)\b)[1-9]/

/**
 * Decoders drop up to this many samples at the end of an intact file. They are replaced by silence. A file that lacks
 * more is damaged, and is not filled up.
 */
const TOLERATED_SAMPLES = 2048

/** The source cannot be transcoded, and a retry will not help. */
export class SourceError extends Error {}

interface Run {
  /** Absolute path of the source. */
  input: string
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
 * Transcodes the first audio stream of a file to the frames of a constant bitrate MP3 at 44.1 kHz in stereo, without
 * tags and Info frame. No frame uses bits of another one, so frames of several runs can be joined.
 *
 * @param samples length of the output per channel; it is shorter only where the source is damaged
 * @param bitrate in kbit/s
 * @param firstBlock block at which the output starts. Only sources that `Probe.isSeekable` names give the same frames
 * there as in a run from the start
 * @returns whether ffmpeg came to the end of the source; false where `write` had enough
 * @throws {SourceError} where ffmpeg refuses the source
 */
export async function transcode (
  { samples, bitrate, firstBlock = 0, write, ...run }:
  Omit<Run, 'inputOptions' | 'outputOptions'> & { samples: number, bitrate: number, firstBlock?: number }
): Promise<boolean> {
  const warmUpBlocks = Math.min(firstBlock, WARM_UP_BLOCKS)
  const from = (firstBlock - warmUpBlocks) * BLOCK_SAMPLES
  const seekSeconds = Math.max(Math.floor(from / SAMPLE_RATE) - 2, 0)
  const start = from - seekSeconds * SAMPLE_RATE
  let bytesToDrop = warmUpBlocks * bitrate * BYTES_PER_BLOCK_AND_KBIT
  const filters = `aresample=${SAMPLE_RATE},aformat=sample_rates=${SAMPLE_RATE}:channel_layouts=stereo,` +
    `apad=pad_len=${TOLERATED_SAMPLES},atrim=start_sample=${start}:end_sample=${samples - seekSeconds * SAMPLE_RATE},` +
    'asetpts=N/SR/TB'
  let isFirst = true
  const decodedSamples = await span('ffmpeg', async () => await runFfmpeg({
    ...run,
    inputOptions: seekSeconds > 0 ? ['-ss', `${seekSeconds}`] : [],
    outputOptions: [
      '-map', '0:a:0', '-vn', '-af', filters, '-map_metadata', '-1', '-map_chapters', '-1',
      '-c:a', 'libmp3lame', '-b:a', `${bitrate}k`, '-reservoir', '0', '-write_xing', '0', '-id3v2_version', '0',
      '-flush_packets', '0', // otherwise ffmpeg writes each frame with a system call of its own
      '-f', 'mp3'
    ],
    write: async bytes => {
      if (isFirst) markEvent('first byte')
      isFirst = false
      const kept = bytes.subarray(Math.min(bytesToDrop, bytes.length))
      bytesToDrop -= bytes.length - kept.length
      return kept.length > 0 && await write(kept)
    }
  }))
  return decodedSamples !== undefined
}

/**
 * Decodes the first audio stream of a file, and writes nothing.
 *
 * @returns its samples per channel, at its sample rate
 * @throws {SourceError} where ffmpeg refuses the source
 */
export async function countSamples (run: Pick<Run, 'input' | 'niceness' | 'signal'>): Promise<number> {
  return await runFfmpeg({
    ...run,
    inputOptions: [],
    outputOptions: ['-map', '0:a:0', '-vn', '-f', 'null'],
    write: async () => false
  }) ?? 0
}

function runFfmpeg ({ input, inputOptions, outputOptions, niceness, write, signal }: Run): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    let decoded: number | undefined
    let started = false
    let cause: unknown
    let isEnough = false
    let failed = false
    let writing = Promise.resolve()
    const watchdog = setTimeout(() => { stop(new Error(`ffmpeg made no progress for ${STALL_MS / 1000} s`)) }, STALL_MS)

    // It never emits 'close': fluent-ffmpeg would take that for a reader that left before ffmpeg exited.
    const output = new Writable({
      autoDestroy: false,
      emitClose: false,
      write (bytes: Buffer, _encoding, done) {
        if (failed || isEnough) return done()
        watchdog.refresh()
        writing = write(bytes).then(enough => {
          if (!enough) return
          isEnough = true
          stop(new Error('Enough is written'))
        }).catch(stop).finally(done)
      }
    })

    const command = ffmpeg({ niceness, stdoutLines: 20 })
      .setFfmpegPath(childProgram('ffmpeg'))
      .input(inputUrl(input))
      // Separate arguments: fluent-ffmpeg splits the strings of an array at spaces.
      .inputOptions('-hide_banner', '-v', 'verbose', '-nostdin', '-threads', '1', ...safeInputOptions, ...inputOptions)
      .output(output)
      .outputOptions(...outputOptions as [string])
      .on('start', () => {
        started = true
        if (cause) command.kill('SIGKILL')
      })
      // Not the event 'progress': for it, fluent-ffmpeg would run ffprobe on each source.
      .on('stderr', (line: string) => {
        watchdog.refresh()
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
      signal.removeEventListener('abort', abort)
    }
  })
}

function lastLines (stderr: string): string {
  const lines = stderr.split('\n').map(line => line.trim()).filter(line => line && !line.startsWith('size='))
  return lines.slice(-5).join('; ')
}
