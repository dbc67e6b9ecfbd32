/** In kbit/s, by the index in the header (ISO 11172-3, 2.4.2.3, and ISO 13818-3, 2.4.2.3, layer III). */
const BITRATES = {
  1: [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  2: [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
} as const

/** Sample rates of MPEG-1, in Hz. Those of MPEG-2 are a half, and those of MPEG-2.5 a quarter. */
const SAMPLE_RATES = [44100, 48000, 32000]

/** What the header of an MP3 frame says. */
export interface FrameHeader {
  /** Bytes of the frame with its header. */
  size: number
  /** Samples per channel. */
  samples: number
  /** In Hz. */
  sampleRate: number
}

/**
 * Reads the header of a frame of layer III.
 *
 * @param header its first four bytes, as a big-endian number
 * @returns undefined where they are none, and for a frame without a stated bitrate ("free format")
 */
export function parseFrameHeader (header: number): FrameHeader | undefined {
  if (header >>> 21 !== 0x7ff || (header >>> 17 & 3) !== 1) return undefined
  const version = header >>> 19 & 3 // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
  const bitrate = BITRATES[version === 3 ? 1 : 2][(header >>> 12 & 15) - 1]
  const rate = SAMPLE_RATES[header >>> 10 & 3]
  if (version === 1 || bitrate === undefined || rate === undefined) return undefined
  const sampleRate = rate / { 3: 1, 2: 2, 0: 4 }[version as 3 | 2 | 0]
  const samples = version === 3 ? 1152 : 576
  const padding = header >>> 9 & 1
  return { size: Math.floor(samples / 8 * bitrate * 1000 / sampleRate) + padding, samples, sampleRate }
}

/** @returns whether a frame is not audio, but tells about the file: an Info, Xing or VBRI frame */
export function isInfoFrame (frame: Buffer): boolean {
  const start = frame.subarray(4, 48)
  return ['Info', 'Xing', 'VBRI'].some(name => start.includes(name))
}
