import { id3v2Size, isInfoFrame, parseFrameHeader, type FrameHeader } from '@mixtape/mp3'
import type { Representation } from './representation.ts'

/** Bytes of a read. It must hold more than two frames, of which the largest has 2881 bytes. */
const BLOCK = 256 * 1024

/** The audio frames of an MP3, without an Info frame. */
export interface Mp3Frames {
  /** In Hz. */
  sampleRate: number
  samplesPerFrame: number
  count: number
  /** Position of the end of the last frame. */
  end: number
}

/**
 * Reads all frame headers of an MP3, for which the whole file must be read. Bytes between frames, such as tags, are passed
 * over.
 *
 * @param onFrame called with the number of each frame and its position
 * @returns undefined for a file without frames of layer III
 */
export async function walkFrames (
  file: Representation, onFrame: (frame: number, position: number) => void = () => {}
): Promise<Mp3Frames | undefined> {
  const buffer = Buffer.allocUnsafe(BLOCK)
  let first: FrameHeader | undefined
  let count = 0
  let position = await tagSize(file)
  let end = position
  while (position + 4 <= file.size) {
    const bytes = buffer.subarray(0, await file.read(buffer, BLOCK, position, () => false))
    const isLast = position + bytes.length >= file.size
    let offset = 0
    for (; offset + 4 <= bytes.length;) {
      const header = headerAt(bytes, offset, first)
      const next = offset + (header?.size ?? 0)
      if (header && next + 4 > bytes.length && !isLast) break
      // A header is trusted where the frame before it ends, or where another header follows its frame.
      const isAligned = position + offset === end
      if (!header || next > bytes.length || (!isAligned && !headerAt(bytes, next, header))) {
        offset++
        continue
      }
      if (count > 0 || first || !isInfoFrame(bytes.subarray(offset, next))) onFrame(count++, position + offset)
      first ??= header
      offset = next
      end = position + offset
    }
    if (offset === 0) break // the file was truncated meanwhile
    position += offset
  }
  if (!first || count === 0) return undefined
  return { sampleRate: first.sampleRate, samplesPerFrame: first.samples, count, end }
}

/** Shares of a file at which some frames are compared. */
const PLACES = [0.1, 0.3, 0.5, 0.7, 0.9]

/** Bytes that are read at each place: at least two frames, of which the largest has 2881 bytes. */
const PLACE_BYTES = 8192

/** Whether the frames at some places of an MP3 have one bitrate. A variable one may start with frames that are alike. */
export async function hasOneBitrate (file: Representation): Promise<boolean> {
  const buffer = Buffer.allocUnsafe(PLACE_BYTES)
  const sizes = new Set<number>()
  for (const place of PLACES) {
    const bytes = buffer.subarray(0, await file.read(buffer, PLACE_BYTES, Math.floor(file.size * place), () => false))
    for (let offset = 0; offset < bytes.length;) {
      const header = headerAt(bytes, offset, undefined)
      const isFrame = header && headerAt(bytes, offset + header.size, header)
      if (isFrame) sizes.add(header.size)
      offset += isFrame ? header.size : 1
    }
  }
  return sizes.size === 0 || Math.max(...sizes) - Math.min(...sizes) <= 1 // a padding byte
}

/** @returns the header at an offset, if there is one, and it has the format of another one */
function headerAt (bytes: Buffer, offset: number, other: FrameHeader | undefined): FrameHeader | undefined {
  const header = offset + 4 <= bytes.length ? parseFrameHeader(bytes.readUInt32BE(offset)) : undefined
  return other && header && (header.sampleRate !== other.sampleRate || header.samples !== other.samples) ? undefined : header
}

/** @returns the bytes of the ID3v2 tag; 0 where there is none */
async function tagSize (file: Representation): Promise<number> {
  const head = Buffer.alloc(10)
  await file.read(head, head.length, 0, () => false)
  return head.toString('latin1', 0, 3) === 'ID3' ? id3v2Size(head) : 0
}
