import { bitrates, type TranscodeQuality } from './qualities.ts'

/**
 * What a constant bitrate MP3 made by LAME at 44.1 kHz looks like, known from its sample count alone.
 *
 * A frame holds 1152 samples in 144 * bitrate / 44100 bytes, rounded down, with a padding byte where the fractions add
 * up to a whole one (ISO 11172-3, 2.4.3.1). LAME puts 576 samples of encoder delay in front and fills the last frame.
 */
export const SAMPLE_RATE = 44100
const SAMPLES_PER_FRAME = 1152
const ENCODER_DELAY = 576

/** Index of each bitrate in a frame header (ISO 11172-3, table of 2.4.2.3, layer III). */
const BITRATE_INDEX = { high: 0xd, medium: 0xb, low: 0x9 } as const

/** Bytes of the Info frame and of the `frames` audio frames behind it. */
function layout (quality: TranscodeQuality) {
  const numerator = 144000 * bitrates[quality]
  const unpadded = Math.floor(numerator / SAMPLE_RATE)
  const fraction = numerator % SAMPLE_RATE
  const audio = (frames: number) =>
    frames === 0 ? 0 : frames * unpadded + Math.ceil(((frames - 1) * fraction) / SAMPLE_RATE)
  return { infoFrame: unpadded, audio }
}

function frameCount (samples: number): number {
  return 1 + Math.ceil(samples / SAMPLES_PER_FRAME)
}

/** @returns bytes of the Info frame and all audio frames for a track of `samples` samples at 44.1 kHz, without tags */
export function mp3Size (samples: number, quality: TranscodeQuality): number {
  const { infoFrame, audio } = layout(quality)
  return infoFrame + audio(frameCount(samples))
}

/**
 * The first frame: silence that tells a player the length, a table for seeking, and how many samples to cut off at
 * both ends so that an album plays without gaps (the Info variant of the Xing header with LAME's extension).
 *
 * We write it, because ffmpeg can only write its own after the last frame, when listeners have long begun.
 */
export function infoFrame (samples: number, quality: TranscodeQuality): Buffer {
  const { infoFrame: size, audio } = layout(quality)
  const frames = frameCount(samples)
  const total = size + audio(frames)
  const frame = Buffer.alloc(size)
  frame.set([0xff, 0xfb, BITRATE_INDEX[quality] << 4, 0x00])
  frame.write('Info', 36, 'latin1')
  frame.writeUInt32BE(0x0f, 40) // frames, bytes, table and quality follow
  frame.writeUInt32BE(frames, 44)
  frame.writeUInt32BE(total, 48)
  for (let percent = 1; percent < 100; percent++) {
    const offset = size + audio(Math.floor((percent * frames) / 100))
    frame[52 + percent] = Math.floor((256 * offset) / total)
  }
  frame.write('Lavc', 156, 'latin1') // encoder: libavformat believes the delays of nobody but LAME and itself
  frame[165] = 0x01 // revision 0, constant bitrate
  frame[176] = Math.min(bitrates[quality], 255)
  const padding = frames * SAMPLES_PER_FRAME - samples - ENCODER_DELAY
  frame.writeUIntBE((ENCODER_DELAY << 12) | padding, 177, 3)
  frame.writeUInt32BE(total, 184)
  frame.writeUInt16BE(crc16(frame.subarray(0, 190)), 190)
  return frame
}

/** CRC-16 with the reflected polynomial 0xA001, as LAME's tag wants it. */
function crc16 (bytes: Buffer): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  }
  return crc
}
