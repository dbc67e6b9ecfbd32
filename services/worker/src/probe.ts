import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { SAMPLE_RATE, type Tags } from '@mixtape/mp3'
import { childProgram } from './child-program.ts'
import { inputUrl, safeInputOptions, STALL_MS } from './ffmpeg-input.ts'
import { SourceError } from './run-ffmpeg.ts'
import { readHeader, tagsOf } from './source-header.ts'
import { countSamples } from './transcode.ts'

/** Length and tags of a source. */
export interface Probe {
  /** Samples per channel at 44.1 kHz. */
  samples: number
  /**
   * Whether a run of ffmpeg that starts in mid-track gives the same frames as one from the start. FLAC, ALAC and PCM do;
   * decoders of lossy formats carry a state from one packet to the next.
   */
  isSeekable: boolean
  /** Time of the first packet in the file, in seconds; nearly always 0. ffmpeg's option -ss counts from it. */
  startTime: number
  /**
   * Whether the audio is as long as that. An Ogg and an AAC may state more than they have, where some of it is damaged; that
   * is found only by decoding all of it.
   */
  isCertain: boolean
  tags: Tags
}

/** The part of ffprobe's JSON output that is read. */
interface ProbeOutput {
  streams?: {
    codec_type?: string
    codec_name?: string
    sample_rate?: string
    bit_rate?: string
    duration_ts?: number
    time_base?: string
    tags?: Record<string, string>
  }[]
  format?: { format_name?: string, start_time?: string, size?: string, tags?: Record<string, string> }
}

/** Containers whose header states the sample count. For others ffprobe estimates it. */
const STATES_LENGTH = /^(flac|wav|w64|aiff|mov)/

/** Codecs whose decoders give the same samples wherever they start. */
const SEEKABLE = /^(flac|alac|pcm_\w+)$/

/**
 * Reads the length and the tags of a source: in this process where the file states the length, else with ffprobe. Where
 * ffprobe can only estimate the length, the source is decoded once.
 *
 * @param run.input absolute path
 * @param run.mustBeCertain whether `isCertain` must be true, though that takes longer
 * @param run.niceness of the decoder, from 0 to 19
 * @throws {SourceError} where ffprobe or ffmpeg refuses the source, or finds no audio in it
 */
export async function probe (
  { input, mustBeCertain = false, niceness, signal }:
  { input: string, mustBeCertain?: boolean, niceness: number, signal: AbortSignal }
): Promise<Probe> {
  // A read of a network share may hang for ever.
  const stop = AbortSignal.any([signal, AbortSignal.timeout(STALL_MS)])
  const header = await Promise.race([readHeader(input, stop), once(stop, 'abort').then(() => { throw stop.reason })])
  if (header && (header.isCertain || !mustBeCertain)) return header
  const { streams = [], format = {} } = await ffprobe(input, signal)
  const stream = streams.find(({ codec_type: type }) => type === 'audio')
  const rate = Number(stream?.sample_rate)
  if (!stream || !rate) throw new SourceError('No audio stream')
  const stated = STATES_LENGTH.test(format.format_name ?? '') ? statedSamples(stream, rate) : 0
  // A WAV that was written to a pipe states the largest possible length.
  const statedBytes = ((stated / rate) * Number(stream.bit_rate)) / 8
  const isOverstated = format.format_name === 'wav' && statedBytes > Number(format.size)
  const sourceSamples = (!isOverstated && stated) || await countSamples({ input, niceness, signal })
  if (!sourceSamples) throw new SourceError('Not one sample of audio')
  return {
    samples: Math.ceil((sourceSamples * SAMPLE_RATE) / rate),
    // Where the length is not stated, ffmpeg cannot find a place by its time either.
    isSeekable: stated > 0 && !isOverstated && SEEKABLE.test(stream.codec_name ?? ''),
    startTime: Number(format.start_time) || 0,
    isCertain: true,
    tags: tagsOf(Object.entries({ ...stream.tags, ...format.tags }))
  }
}

function statedSamples (
  { duration_ts: duration = 0, time_base: base = '' }: { duration_ts?: number, time_base?: string }, rate: number
): number {
  const [numerator = 0, denominator = 1] = base.split('/').map(Number)
  return Math.round((duration * numerator * rate) / denominator)
}

async function ffprobe (input: string, signal: AbortSignal): Promise<ProbeOutput> {
  const args = [
    '-v', 'error', ...safeInputOptions,
    '-show_entries', 'stream=codec_type,codec_name,sample_rate,bit_rate,duration_ts,time_base:stream_tags:format=format_name,start_time,size:format_tags',
    '-of', 'json', inputUrl(input)
  ]
  try {
    const { stdout } = await promisify(execFile)(childProgram('ffprobe'), args, {
      signal, timeout: STALL_MS, killSignal: 'SIGKILL', maxBuffer: 16 * 1024 * 1024
    })
    return JSON.parse(stdout) as ProbeOutput
  } catch (error) {
    const { code, stderr } = error as { code?: unknown, stderr?: string }
    if (typeof code === 'number') throw new SourceError(stderr?.trim().split('\n').slice(-5).join('; '))
    throw error
  }
}
