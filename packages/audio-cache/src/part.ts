import { randomBytes } from 'node:crypto'
import { lstat, mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { OpenFile, Track } from '@mixtape/library'
import { blockBytes, ID3V1_SIZE, id3v1, infoFrame, isBlock, mp3Size, type Tags, type TranscodeQuality } from '@mixtape/mp3'
import { privatePartPath, partPath } from './cached-paths.ts'
import { LeasedFile, syncDirectory } from './leased-file.ts'
import { PROFILE, transcodeTag } from './provenance.ts'
import { NEAR_BLOCKS, type Segments } from './segments.ts'

/** Bytes of a segment that are copied to the part at a time. */
const COPY_BYTES = 1024 * 1024

/** The encoder wrote more bytes than the sample count allows, as with chained streams that change their format. */
export class OverrunError extends Error {}

/** Two encoders, or two runs of one, wrote different bytes. */
export class MismatchError extends Error {}

/**
 * A `.part` file: a transcode that is being written. Tag and Info frame come first, then the audio frames in order. No
 * byte is ever rewritten, because listeners may have read it.
 *
 * An empty part tells look-ups that a worker has started. A part with its tag is served while it grows.
 */
export class Part {
  /** Path of the track, relative to MUSIC_ROOT. */
  readonly path: string
  readonly quality: TranscodeQuality
  /** Random id. */
  readonly generation: string
  readonly #track: Track
  readonly #file: LeasedFile
  #head: Buffer = Buffer.alloc(0)
  #trailer: Buffer = Buffer.alloc(0)
  #segments: Segments | undefined
  #size = 0
  /** Position of the next bytes that the encoder writes. After a restart it is smaller than the size of the file at first. */
  #position = 0

  /** @param findable whether look-ups may find the part */
  static async create (cacheDir: string, track: Track, quality: TranscodeQuality, findable: boolean): Promise<Part> {
    const generation = randomBytes(8).toString('hex')
    const path = findable ? partPath(track.path, quality, generation) : privatePartPath(track.path, generation)
    return new Part(track, quality, generation, await createFile(join(cacheDir, path)))
  }

  private constructor (track: Track, quality: TranscodeQuality, generation: string, file: LeasedFile) {
    this.path = track.path
    this.quality = quality
    this.#track = track
    this.generation = generation
    this.#file = file
  }

  /**
   * Sets all bytes that are not audio, and with them the final size.
   *
   * @param samples per channel at 44.1 kHz
   */
  layOut (samples: number, tags: Tags): void {
    const { name: file, version } = this.#track
    const tag = transcodeTag(tags, { file, version, samples, profile: PROFILE, generation: this.generation })
    this.#head = Buffer.concat([tag, infoFrame(samples, this.quality)])
    this.#trailer = id3v1(tag)
    this.#size = tag.length + mp3Size(samples, this.quality) + ID3V1_SIZE
  }

  /**
   * Writes tag and Info frame, which the frames of the encoder follow.
   *
   * @param segments where other encoders may start in the middle of the track
   */
  async start (segments?: Segments): Promise<void> {
    this.#segments = segments
    await segments?.open()
    await this.append(this.#head)
  }

  /** Bytes of the complete file; 0 before layOut(). */
  get size (): number {
    return this.#size
  }

  /** Written share of the complete file, from 0 to 1. */
  get progress (): number {
    return this.#position / this.#size
  }

  /** Bytes of audio that are still to be written. */
  get missing (): number {
    return this.#size - ID3V1_SIZE - this.#position
  }

  /** Whole blocks of audio that are written. */
  get blocks (): number {
    return Math.floor((this.#file.size - this.#head.length) / blockBytes(this.quality))
  }

  /**
   * Goes back to a block, before the encoder starts again there. What it writes is compared with the bytes that are there,
   * and not written again, so that listeners only notice a pause.
   */
  rewindTo (block: number): void {
    this.#position = this.#head.length + block * blockBytes(this.quality)
  }

  /**
   * @throws {OverrunError} where the file would become larger than its size
   * @throws {MismatchError} where the bytes differ from those that another run or another encoder wrote
   */
  async append (bytes: Buffer): Promise<void> {
    if (this.#position + bytes.length > this.#size) {
      throw new OverrunError(`The encoder wrote more than the ${this.#size} bytes that the file should have`)
    }
    const overlap = Math.max(Math.min(this.#file.size - this.#position, bytes.length), 0)
    if (overlap > 0 && !await this.#file.equals(bytes.subarray(0, overlap), this.#position)) {
      throw new MismatchError('Two encoders, or two runs of one, wrote different bytes')
    }
    await this.#file.append(bytes.subarray(overlap))
    this.#position += bytes.length
  }

  /** Whether another encoder is so far ahead that the running one should stop, and its segment should be taken over. */
  async isOvertaken (): Promise<boolean> {
    const segment = await this.#findAhead(NEAR_BLOCKS)
    await segment?.file.close()
    return segment !== undefined
  }

  /**
   * Copies a segment that has more blocks than the part. It begins with the last block of the part, which shows that both
   * encoders agree. Not to be called while an encoder writes.
   *
   * @returns whether there was one
   * @throws {MismatchError} where that block differs
   */
  async takeOver (): Promise<boolean> {
    const segment = await this.#findAhead(2)
    if (!segment) return false
    try {
      this.rewindTo(this.blocks - 1)
      const buffer = Buffer.alloc(COPY_BYTES)
      for (;;) {
        const position = this.#position - this.#head.length - segment.start
        const bytesRead = await segment.file.read(buffer, Math.min(COPY_BYTES, this.missing), position)
        if (bytesRead === 0) break
        await this.append(buffer.subarray(0, bytesRead))
      }
      // Its bytes would take space twice. Listeners who read it keep it open.
      if (segment.isDone) await rm(segment.file.path, { force: true })
      return true
    } finally {
      await segment.file.close()
    }
  }

  /**
   * Copies the blocks that a worker has written before it died. Does nothing where the encoder cannot start behind them. Bytes
   * that were not synced before a power failure may read as zeros: the copy ends before the first block that is not made of frames.
   *
   * @param start position of its first audio frame
   */
  async takeOverDead (file: OpenFile, start: number): Promise<void> {
    const bytes = blockBytes(this.quality)
    const block = Buffer.alloc(bytes)
    while (this.#segments && this.missing >= bytes) {
      const bytesRead = await file.read(block, bytes, start + this.blocks * bytes)
      if (bytesRead < bytes || !isBlock(block)) return
      await this.append(block)
    }
  }

  /** Whether another encoder is writing the bytes that come next. */
  async isFollowing (): Promise<boolean> {
    return this.missing > 0 && await this.#segments?.isNear(this.#position - this.#head.length, 1) === true
  }

  /** @param count of the blocks that the segment must have at least, with the last block of the part */
  async #findAhead (count: number) {
    if (!this.#segments || this.blocks === 0 || this.missing === 0) return undefined
    const bytes = blockBytes(this.quality)
    const start = (this.blocks - 1) * bytes
    const audioBytes = this.#size - ID3V1_SIZE - this.#head.length
    return await this.#segments.find(start, Math.min(start + count * bytes, audioBytes))
  }

  /**
   * Completes the file, syncs it to the disk and renames it.
   *
   * @param file absolute path of the final name
   * @returns bytes of the file that it replaced
   * @throws where the file does not have exactly the bytes it should have, or a segment has others, which listeners may have
   * read; then nothing is renamed
   */
  async complete (file: string): Promise<number> {
    if (this.missing !== 0) throw new Error(`The file lacks ${this.missing} of its ${this.#size} bytes`)
    const start = this.#head.length
    if (await this.#segments?.areEqual((bytes, position) => this.#file.equals(bytes, start + position)) === false) {
      throw new MismatchError('Another encoder wrote different bytes')
    }
    await this.append(this.#trailer)
    const replacedBytes = await lstat(file).then(({ size }) => size, () => 0)
    await this.#file.finish(file)
    await syncDirectory(dirname(file))
    await this.removeSegments()
    return replacedBytes
  }

  /** Deletes what other encoders have written. What cannot be deleted is left to the nightly run. */
  async removeSegments (): Promise<void> {
    await this.#segments?.remove().catch(() => {})
  }

  /** Leaves the part to the worker that makes this transcode next. Where that could not go on from here, it is deleted. */
  async abandon (): Promise<void> {
    if (this.#segments) await this.#file.abandon()
    else await this.#file.discard()
  }

  /** Closes and deletes the part. After complete() and abandon() it does nothing. */
  async discard (): Promise<void> {
    await this.#file.discard()
  }
}

/** Creates a file and its directories. It retries, because clearing the cache may remove an empty directory meanwhile. */
async function createFile (file: string): Promise<LeasedFile> {
  for (let attempt = 1; ; attempt++) {
    await mkdir(dirname(file), { recursive: true })
    try {
      return await LeasedFile.create(file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 5) throw error
    }
  }
}
