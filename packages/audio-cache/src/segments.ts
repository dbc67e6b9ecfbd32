import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ignoreUnavailable, openFile, type OpenFile } from '@mixtape/library'
import { isLeased, LeasedFile } from './leased-file.ts'

/** A segment that is being written is `<first>.<id>.growing`, and then `<first>-<end>.<id>.done`. */
const NAME = /^(\d+)(?:-(\d+))?\.([0-9a-f]{16})\.(growing|done)$/

/**
 * Blocks that are worth another start of the encoder. A start costs as much as encoding about eleven: ffmpeg takes 55 ms to
 * its first byte, and encodes a block in 7 ms and three of them to warm up. What is nearer is encoded, or waited for.
 */
export const NEAR_BLOCKS = 16

/** A file of an encoder, as its name tells it. Blocks are counted from the start of the audio. */
interface Segment {
  name: string
  id: string
  first: number
  /** The first block that is not in the file; undefined while it is being written. */
  end: number | undefined
}

/** A segment that is open for reading. The caller must close() the file. */
export interface OpenSegment {
  /** Positions of its bytes in the audio. */
  start: number
  end: number
  file: OpenFile
  /** Whether its encoder has ended. */
  isDone: boolean
}

/**
 * What other encoders than the one that writes a part have made of the same transcode: each from a block in the middle
 * of the track on. They are files in a hidden directory beside the part. A segment in a file of its own needs no map of
 * what is there, and no two hosts write to one page of a file, which NFS does not allow.
 *
 * The name of the directory depends on the version of the source, and not on the part, so the segments that a worker had
 * completed when it crashed are used by the next one. The directory exists only for sources that can be encoded from the
 * middle.
 */
export class Segments {
  /** Bytes of a block of 49 frames. */
  readonly blockBytes: number
  readonly #cacheDir: string
  readonly #dir: string

  /**
   * @param cacheDir absolute path of the cache directory
   * @param dir of the segments, relative to it
   */
  constructor (cacheDir: string, dir: string, blockBytes: number) {
    this.#cacheDir = cacheDir
    this.#dir = join(cacheDir, dir)
    this.blockBytes = blockBytes
  }

  /** Allows that segments are made. */
  async open (): Promise<void> {
    await mkdir(this.#dir, { recursive: true })
  }

  /** Whether segments may be made. */
  async areOpen (): Promise<boolean> {
    return await stat(this.#dir).then(found => found.isDirectory(), () => false)
  }

  /** Deletes all segments, and allows no more. An encoder that runs stops. */
  async remove (): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 10 })
  }

  /**
   * Looks for one segment that has all bytes from `start` to before `end`, which are positions in the audio.
   *
   * @param except id of a segment that does not count
   */
  async find (start: number, end: number, except?: string): Promise<OpenSegment | undefined> {
    for (const segment of await this.#list()) {
      const first = segment.first * this.blockBytes
      if (first > start || segment.id === except) continue
      if (segment.end !== undefined && segment.end * this.blockBytes < end) continue
      const file = await openFile(join(this.#dir, segment.name))
      if (!file) continue
      const isDead = segment.end === undefined && !await isLeased(this.#cacheDir, Number(file.mtimeNs / 1_000_000n))
      if (!isDead && first + file.size >= end) return { start: first, end: first + file.size, file, isDone: segment.end !== undefined }
      await file.close()
    }
  }

  /** @returns whether an encoder is about to write this position, which is at most `within` bytes ahead of it */
  async isNear (position: number, within: number): Promise<boolean> {
    for (const { name, first, end } of await this.#list()) {
      if (end !== undefined || first * this.blockBytes > position) continue
      const found = await stat(join(this.#dir, name)).catch(() => undefined)
      if (!found || !await isLeased(this.#cacheDir, found.mtimeMs)) continue
      if (position - (first * this.blockBytes + found.size) < within) return true
    }
    return false
  }

  /** Starts a segment. @returns undefined where the segments were removed */
  async create (first: number): Promise<SegmentWriter | undefined> {
    return await SegmentWriter.create(this.#dir, first, this.blockBytes).catch(ignoreUnavailable)
  }

  /** Compares the first bytes of each segment. @returns whether `isEqual` is true for all of them */
  async areEqual (isEqual: (bytes: Buffer, position: number) => Promise<boolean>): Promise<boolean> {
    for (const { name, first } of await this.#list()) {
      const file = await openFile(join(this.#dir, name))
      const bytes = await file?.head(this.blockBytes)
      await file?.close()
      if (bytes && bytes.length > 0 && !await isEqual(bytes, first * this.blockBytes)) return false
    }
    return true
  }

  /** Tells the encoder that started at a block that nobody waits for it any more. */
  async stop (first: number): Promise<void> {
    await writeFile(this.#stopFile(first), '').catch(ignoreUnavailable)
  }

  async unstop (first: number): Promise<void> {
    await rm(this.#stopFile(first), { force: true }).catch(ignoreUnavailable)
  }

  /** Whether the encoder that started at a block should stop. */
  async isStopped (first: number): Promise<boolean> {
    return await stat(this.#stopFile(first)).then(() => true, () => false) || !await this.areOpen()
  }

  #stopFile (first: number): string {
    return join(this.#dir, `${first}.stop`)
  }

  async #list (): Promise<Segment[]> {
    const names = await readdir(this.#dir).catch(ignoreUnavailable) ?? []
    return names.flatMap(name => {
      const [, first, end, id = ''] = NAME.exec(name) ?? []
      return first === undefined ? [] : [{ name, id, first: Number(first), end: end === undefined ? undefined : Number(end) }]
    })
  }
}

/** A segment that is being written. */
export class SegmentWriter {
  readonly id: string
  readonly first: number
  readonly #dir: string
  readonly #blockBytes: number
  readonly #file: LeasedFile

  static async create (dir: string, first: number, blockBytes: number): Promise<SegmentWriter> {
    const id = randomBytes(8).toString('hex')
    return new SegmentWriter(dir, id, first, blockBytes, await LeasedFile.create(join(dir, `${first}.${id}.growing`)))
  }

  private constructor (dir: string, id: string, first: number, blockBytes: number, file: LeasedFile) {
    this.#dir = dir
    this.id = id
    this.first = first
    this.#blockBytes = blockBytes
    this.#file = file
  }

  /** Position in the audio of the next byte. */
  get position (): number {
    return this.first * this.#blockBytes + this.#file.size
  }

  async append (bytes: Buffer): Promise<void> {
    await this.#file.append(bytes)
  }

  /**
   * Completes the segment. Its name counts whole blocks only, unless it reaches the end of the audio. Where segments are
   * not allowed any more, it is deleted.
   *
   * @param audioBytes of the complete transcode
   */
  async finish (audioBytes: number): Promise<void> {
    const blocks = this.#file.size / this.#blockBytes
    const isAtEnd = this.position === audioBytes
    const end = this.first + (isAtEnd ? Math.ceil(blocks) : Math.floor(blocks))
    const isAllowed = await stat(this.#dir).then(() => true, () => false)
    if (end === this.first || !isAllowed) return await this.discard()
    await this.#file.finish(join(this.#dir, `${this.first}-${end}.${this.id}.done`))
  }

  /** Deletes the segment. After finish() it does nothing. */
  async discard (): Promise<void> {
    await this.#file.discard()
  }
}
