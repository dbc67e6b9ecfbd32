import { BLOCK_SAMPLES, SAMPLE_RATE } from '@mixtape/mp3'
import { markEvent, span } from '@mixtape/tracing'
import { runFfmpeg, StallError, type FfmpegRun } from './run-ffmpeg.ts'
import type { SpareEncoders } from './spare-encoders.ts'

/** Bytes of a block at 1 kbit/s: 1.28 s are 160 bytes. */
const BYTES_PER_BLOCK_AND_KBIT = 160

/**
 * Blocks that a run in mid-track encodes first and drops, because its first frames may differ from those of a run from the
 * start. After a loud passage LAME lowers its threshold of hearing frame by frame, each time by at most 7.5 %, down to 0.000625
 * of the highest one (adjust_ATH() in its encoder.c). From the highest to the lowest that takes 95 frames, which was also the
 * longest difference in 252 trials with noise. A tone that fades by 13.4 dB a second keeps LAME above its aim for longer: 103
 * frames differed, and two blocks are 98.
 */
const WARM_UP_BLOCKS = 3

/**
 * Decoders drop up to this many samples at the end of an intact file. They are replaced by silence. A file that lacks
 * more is damaged, and is not filled up.
 */
const TOLERATED_SAMPLES = 2048

/** How ffmpeg runs. */
export interface EncoderRun {
  /** Scheduling priority, from 0 (normal) to 19 (lowest). */
  niceness: number
  /** Encoders that have started, where a listener waits. */
  spares?: Pick<SpareEncoders, 'take' | 'warn'> | undefined
  signal: AbortSignal
}

export interface TranscodeRun extends EncoderRun {
  /** Absolute path of the source. */
  input: string
  write: FfmpegRun['write']
  /** Length of the output per channel. It is shorter only where the source is damaged. */
  samples: number
  /** In kbit/s. */
  bitrate: number
  /**
   * Block at which the output starts. Only sources that `Probe.isSeekable` names give the same frames there as in a run from
   * the start.
   */
  firstBlock?: number
  /** `Probe.startTime`. */
  startTime?: number
}

/**
 * Transcodes the first audio stream of a file to the frames of a constant bitrate MP3 at 44.1 kHz in stereo, without
 * tags and Info frame. No frame uses bits of another one, so frames of several runs can be joined.
 *
 * @returns whether ffmpeg came to the end of the source; false where `write` had enough
 * @throws {SourceError} where ffmpeg refuses the source
 */
export async function transcode (
  { input, samples, bitrate, firstBlock = 0, startTime = 0, niceness, spares, signal, write }: TranscodeRun
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
  const run = {
    input,
    signal,
    write: async (bytes: Buffer) => {
      if (isFirst) markEvent('first byte')
      isFirst = false
      const kept = bytes.subarray(Math.min(bytesToDrop, bytes.length))
      bytesToDrop -= bytes.length - kept.length
      return kept.length > 0 && await write(kept)
    }
  }
  const decodedSamples = await span('ffmpeg', async () => {
    let failure: unknown
    try {
      const spare = spares?.take(input, bitrate)
      if (spare) return await spare.run({ ...run, seconds: seekSeconds > 0 ? startTime + seekSeconds : 0, filters })
    } catch (error) {
      if (signal.aborted || !isFirst || error instanceof StallError) throw error
      failure = error
    }
    const decoded = await runFfmpeg({
      ...run,
      inputOptions: seekSeconds > 0 ? ['-ss', `${seekSeconds}`] : [],
      outputOptions: ['-af', filters, ...encoderOptions(bitrate)],
      niceness
    })
    if (failure) spares?.warn(failure) // else the source is at fault
    return decoded
  })
  return decodedSamples !== undefined
}

/**
 * Options of ffmpeg for the frames alone, from the first audio stream of the input.
 *
 * @param bitrate in kbit/s
 */
export function encoderOptions (bitrate: number): string[] {
  return [
    '-map', '0:a:0', '-vn', '-map_metadata', '-1', '-map_chapters', '-1',
    '-c:a', 'libmp3lame', '-b:a', `${bitrate}k`, '-reservoir', '0', '-write_xing', '0', '-id3v2_version', '0',
    '-flush_packets', '0', // otherwise ffmpeg writes each frame with a system call of its own
    '-f', 'mp3'
  ]
}

/**
 * Decodes the first audio stream of a file, and writes nothing.
 *
 * @returns its samples per channel, at its sample rate
 * @throws {SourceError} where ffmpeg refuses the source
 */
export async function countSamples (run: Pick<FfmpegRun, 'input' | 'niceness' | 'signal'>): Promise<number> {
  return await runFfmpeg({
    ...run,
    inputOptions: [],
    outputOptions: ['-map', '0:a:0', '-vn', '-f', 'null'],
    write: async () => false
  }) ?? 0
}
