import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { SAMPLE_RATE, type Tags } from '@mixtape/audio-cache'
import { inputOptions, inputUrl, STALL_MS } from './ffmpeg-input.ts'
import { countSamples, SourceError } from './transcode.ts'

/** What is known of a source before it is transcoded. */
export interface Probe {
  /** At 44.1 kHz. */
  samples: number
  /** At the source's own rate. */
  sourceSamples: number
  tags: Tags
}

interface Answer {
  streams?: {
    codec_type?: string
    sample_rate?: string
    bit_rate?: string
    duration_ts?: number
    time_base?: string
    tags?: Record<string, string>
  }[]
  format?: { format_name?: string, size?: string, tags?: Record<string, string> }
}

/** Containers that state how many samples they hold; of the others ffprobe only estimates it, or finds one of two chained streams. */
const STATES_LENGTH = /^(flac|wav|w64|aiff|mov)/

/**
 * Reads the length and the tags of a source, decoding it once where its header does not say how long it is.
 *
 * @param run.input absolute path
 * @param run.niceness of the decoder
 * @throws {SourceError} where it holds no audio
 */
export async function probe (
  { input, niceness, signal }: { input: string, niceness: number, signal: AbortSignal }
): Promise<Probe> {
  const { streams = [], format = {} } = await ffprobe(input, signal)
  const stream = streams.find(({ codec_type: type }) => type === 'audio')
  const rate = Number(stream?.sample_rate)
  if (!stream || !rate) throw new SourceError('No audio stream')
  const stated = STATES_LENGTH.test(format.format_name ?? '') ? statedSamples(stream, rate) : 0
  // A sound file that was written to a pipe states the largest length there is.
  const bytes = ((stated / rate) * Number(stream.bit_rate)) / 8
  const overstated = format.format_name === 'wav' && bytes > Number(format.size)
  const sourceSamples = (!overstated && stated) || await countSamples({ input, niceness, signal })
  if (!sourceSamples) throw new SourceError('Not one sample of audio')
  return {
    sourceSamples,
    samples: Math.ceil((sourceSamples * SAMPLE_RATE) / rate),
    tags: tagsOf({ ...stream.tags, ...format.tags })
  }
}

function statedSamples (
  { duration_ts: duration = 0, time_base: base = '' }: { duration_ts?: number, time_base?: string }, rate: number
): number {
  const [numerator = 0, denominator = 1] = base.split('/').map(Number)
  return Math.round((duration * numerator * rate) / denominator)
}

/** ID3, Vorbis comments and MP4 atoms, as ffprobe names them: in any case, and some under two names. */
function tagsOf (found: Record<string, string>): Tags {
  const tags = Object.fromEntries(Object.entries(found).map(([name, value]) => [name.toLowerCase(), value]))
  return { ...tags, track: tags.track ?? tags.tracknumber, date: tags.date ?? tags.year } as Tags
}

async function ffprobe (input: string, signal: AbortSignal): Promise<Answer> {
  const args = [
    '-v', 'error', ...inputOptions,
    '-show_entries', 'stream=codec_type,sample_rate,bit_rate,duration_ts,time_base:stream_tags:format=format_name,size:format_tags',
    '-of', 'json', inputUrl(input)
  ]
  try {
    const { stdout } = await promisify(execFile)('ffprobe', args, {
      signal, timeout: STALL_MS, killSignal: 'SIGKILL', maxBuffer: 16 * 1024 * 1024
    })
    return JSON.parse(stdout) as Answer
  } catch (error) {
    const { code, stderr } = error as { code?: unknown, stderr?: string }
    if (typeof code === 'number') throw new SourceError(stderr?.trim().split('\n').slice(-5).join('; '))
    throw error
  }
}
