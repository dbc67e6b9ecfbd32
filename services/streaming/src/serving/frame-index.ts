import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import { walkFrames, type Representation } from '@mixtape/library'
import { SEGMENT_FRAMES, type AudioFrames } from './hls-segments.ts'

/** Number of files whose index is kept. An index takes 8 bytes for each segment. */
const MAX_INDEXES = 200

/** Files that are read at a time: each is read as a whole. */
const CONCURRENCY = 2

/** Where the segments of MP3s lie that this project did not make. All frame headers of a file are read once. */
export class FrameIndexes {
  /** By entity tag: inode, size and mtime. */
  readonly #indexes = new LRUCache<string, Promise<AudioFrames | undefined>>({ max: MAX_INDEXES })
  readonly #limit = pLimit(CONCURRENCY)

  /** @returns undefined where a file has no frames of layer III */
  async of (file: Representation): Promise<AudioFrames | undefined> {
    const known = this.#indexes.get(file.etag)
    if (known) return await known
    const index = this.#limit(indexOf, file)
    this.#indexes.set(file.etag, index)
    try {
      return await index
    } catch (error) {
      this.#indexes.delete(file.etag)
      throw error
    }
  }
}

async function indexOf (file: Representation): Promise<AudioFrames | undefined> {
  const starts: number[] = []
  const frames = await walkFrames(file, (frame, position) => { if (frame % SEGMENT_FRAMES === 0) starts.push(position) })
  return frames && { ...frames, segmentStart: segment => starts[segment] ?? frames.end }
}
