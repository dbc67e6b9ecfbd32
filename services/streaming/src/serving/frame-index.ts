import { LRUCache } from 'lru-cache'
import type { Representation } from '@mixtape/library'
import { id3v2Size, isInfoFrame, parseFrameHeader, type FrameHeader } from '@mixtape/mp3'
import { SEGMENT_FRAMES, type AudioFrames } from './hls-segments.ts'

/** Bytes of a read. It must hold more than two frames, of which the largest has 2881 bytes. */
const BLOCK = 256 * 1024

/** Number of files whose index is kept. An index takes 8 bytes for each segment. */
const MAX_INDEXES = 200

/** Where the segments of MP3s lie that this project did not make. All frame headers of a file are read once. */
export class FrameIndexes {
  /** By entity tag: inode, size and mtime. */
  readonly #indexes = new LRUCache<string, Promise<AudioFrames | undefined>>({ max: MAX_INDEXES })

  /** @returns undefined where a file has no frames of layer III */
  async of (file: Representation): Promise<AudioFrames | undefined> {
    const known = this.#indexes.get(file.etag)
    if (known) return await known
    const index = walkFrames(file)
    this.#indexes.set(file.etag, index)
    try {
      return await index
    } catch (error) {
      this.#indexes.delete(file.etag)
      throw error
    }
  }
}

/** Reads all frame headers of an MP3. Bytes between frames, such as tags, are passed over. */
async function walkFrames (file: Representation): Promise<AudioFrames | undefined> {
  const buffer = Buffer.allocUnsafe(BLOCK)
  const starts: number[] = []
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
      if (count > 0 || first || !isInfoFrame(bytes.subarray(offset, next))) {
        if (count % SEGMENT_FRAMES === 0) starts.push(position + offset)
        count++
      }
      first ??= header
      offset = next
      end = position + offset
    }
    if (offset === 0) break // the file was truncated meanwhile
    position += offset
  }
  if (!first || count === 0) return undefined
  return {
    sampleRate: first.sampleRate,
    samplesPerFrame: first.samples,
    count,
    segmentStart: segment => starts[segment] ?? end
  }
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
