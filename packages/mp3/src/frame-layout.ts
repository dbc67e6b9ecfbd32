import { parseFrameHeader } from './frame-header.ts'
import { bitrates, type TranscodeQuality } from './qualities.ts'

/** Sample rate of every transcode, in Hz. */
export const SAMPLE_RATE = 44100

/** Samples per channel of each frame (ISO 11172-3, layer III). */
export const SAMPLES_PER_FRAME = 1152

/**
 * Frames of a block: 49 * 1152 samples, 1.28 s. It is the smallest number of frames that takes a whole number of bytes at
 * every bitrate, so that all blocks of a quality have the same size. A block starts at the same sample at every quality. It
 * also is a whole number of samples at the usual sample rates of sources, so the resampler is at the same phase.
 */
export const BLOCK_FRAMES = 49

/** Samples per channel of a block: 1.28 s. */
export const BLOCK_SAMPLES = BLOCK_FRAMES * SAMPLES_PER_FRAME

/** Samples of silence that LAME puts before the audio. */
const ENCODER_DELAY = 576

/** Index of each bitrate in a frame header (ISO 11172-3, table of section 2.4.2.3, layer III). */
const BITRATE_INDEX = { high: 0xd, medium: 0xb, low: 0x9 } as const

/**
 * Sizes of the frames of a constant bitrate MP3 that LAME makes at 44.1 kHz.
 *
 * A frame holds 1152 samples in 144 * bitrate / 44100 bytes, rounded down. A frame gets one padding byte when the
 * fractions that were rounded off add up to a whole byte (ISO 11172-3, 2.4.3.1). LAME starts to add with the second frame.
 *
 * @returns the bytes of the Info frame, and a function that gives the bytes of the first `frames` audio frames
 */
function frameSizes (quality: TranscodeQuality) {
  const numerator = 144000 * bitrates[quality]
  const unpadded = Math.floor(numerator / SAMPLE_RATE)
  const fraction = numerator % SAMPLE_RATE
  const audio = (frames: number) =>
    frames === 0 ? 0 : frames * unpadded + Math.ceil(((frames - 1) * fraction) / SAMPLE_RATE)
  return { infoFrame: unpadded, audio }
}

/** @returns the bytes of a block of `BLOCK_FRAMES` frames: 160 for each kbit/s */
export function blockBytes (quality: TranscodeQuality): number {
  return (BLOCK_FRAMES * SAMPLES_PER_FRAME * bitrates[quality] * 125) / SAMPLE_RATE
}

/** @returns whether bytes are the frames of one block: each header is where the frame before it ends */
export function isBlock (bytes: Buffer): boolean {
  let position = 0
  for (let frame = 0; frame < BLOCK_FRAMES; frame++) {
    if (position + 4 > bytes.length) return false
    position += parseFrameHeader(bytes.readUInt32BE(position))?.size ?? bytes.length
  }
  return position === bytes.length
}

/**
 * @param frame number of an audio frame, from 0; the number of frames for the end of the last one
 * @returns its position in bytes after the ID3v2 tag; the Info frame comes before frame 0
 */
export function framePosition (frame: number, quality: TranscodeQuality): number {
  const { infoFrame, audio } = frameSizes(quality)
  return infoFrame + audio(frame)
}

/**
 * One frame more than the samples fill, because of the encoder delay. The last frame is filled up with silence.
 *
 * @param samples number of samples per channel at 44.1 kHz
 * @returns the number of audio frames
 */
export function frameCount (samples: number): number {
  return 1 + Math.ceil(samples / SAMPLES_PER_FRAME)
}

/**
 * @param samples number of samples per channel at 44.1 kHz
 * @returns the bytes of the Info frame and all audio frames, without tags
 */
export function mp3Size (samples: number, quality: TranscodeQuality): number {
  return framePosition(frameCount(samples), quality)
}

/**
 * Makes the first frame of an MP3: a silent frame with an Info header (the Xing header of constant bitrate files) and
 * LAME's extension. It tells a player the length, a table for seeking, and the samples to skip at both ends, so that
 * an album plays without gaps.
 *
 * ffmpeg can write this frame only after the last one. Here it comes first, so that a file can be served while it is
 * written.
 *
 * @param samples number of samples per channel at 44.1 kHz
 */
export function infoFrame (samples: number, quality: TranscodeQuality): Buffer {
  const { infoFrame: size, audio } = frameSizes(quality)
  const frames = frameCount(samples)
  const total = size + audio(frames)
  const frame = Buffer.alloc(size)
  frame.set([0xff, 0xfb, BITRATE_INDEX[quality] << 4, 0x00])
  frame.write('Info', 36, 'latin1')
  frame.writeUInt32BE(0x0f, 40) // flags: frame count, byte count, seek table and quality follow
  frame.writeUInt32BE(frames, 44)
  frame.writeUInt32BE(total, 48)
  for (let percent = 1; percent < 100; percent++) {
    const offset = size + audio(Math.floor((percent * frames) / 100))
    frame[52 + percent] = Math.floor((256 * offset) / total)
  }
  frame.write('Lavc', 156, 'latin1') // encoder name: libavformat ignores the delays of encoders other than LAME and Lavc
  frame[165] = 0x01 // tag revision 0, constant bitrate
  frame[176] = Math.min(bitrates[quality], 255)
  const padding = frames * SAMPLES_PER_FRAME - samples - ENCODER_DELAY
  frame.writeUIntBE((ENCODER_DELAY << 12) | padding, 177, 3)
  frame.writeUInt32BE(total, 184)
  frame.writeUInt16BE(crc16(frame.subarray(0, 190)), 190)
  return frame
}

/** CRC-16 with the reflected polynomial 0xA001, as LAME's tag requires. */
function crc16 (bytes: Buffer): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  }
  return crc
}
