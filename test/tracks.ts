import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

interface TrackOptions {
  seconds?: number
  rate?: number
  channels?: number
  tags?: Record<string, string>
  /** Further options of ffmpeg, such as the encoder. */
  options?: string[]
}

/** Makes a real audio file: the ending of its name says which encoder. Noise, so that no encoder has it easy. */
export function makeTrack (
  file: string, { seconds = 2, rate = 44100, channels = 2, tags = {}, options = [] }: TrackOptions = {}
): string {
  mkdirSync(dirname(file), { recursive: true })
  const metadata = Object.entries(tags).flatMap(([name, value]) => ['-metadata', `${name}=${value}`])
  execFileSync('ffmpeg', [
    '-v', 'error', '-y', '-f', 'lavfi', '-i', `anoisesrc=d=${seconds}:r=${rate}:a=0.3:c=pink:s=1`,
    '-ac', `${channels}`, ...metadata, ...options, `file:${file}`
  ])
  return file
}

export interface Format {
  codec_name: string
  bit_rate: string
  sample_rate: string
  channels: number
  duration: number
  tags: Record<string, string>
}

/** What ffprobe says of a file or a URL. */
export async function describe (input: string): Promise<Format> {
  const { stdout } = await promisify(execFile)('ffprobe', ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', input])
  const { streams: [stream], format } = JSON.parse(stdout)
  return { ...stream, duration: Number(format.duration), tags: format.tags ?? {} }
}

/** Samples that a player hears, by ffmpeg's decoder, which honours the gapless data of an Info frame. */
export function decodedSamples (file: string): number {
  // Of three frames of noise ffmpeg would have to guess what they are.
  const format = file.endsWith('.mp3') ? ['-f', 'mp3'] : []
  const { length } = execFileSync('ffmpeg', ['-v', 'error', ...format, '-i', `file:${file}`, '-f', 's16le', '-ac', '2', 'pipe:1'], {
    maxBuffer: 1 << 30
  })
  return length / 4
}
