import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Track } from '@mixtape/library'
import { ID3V1_SIZE, id3v1, infoFrame, mp3Size, type Tags, type TranscodeQuality } from '@mixtape/mp3'
import { privatePartPath, partPath } from './cached-paths.ts'
import { PROFILE, transcodeTag } from './provenance.ts'

/** A part whose mtime is older than this, in milliseconds, belongs to a worker that died. */
export const LEASE_MS = 5000

/** The encoder wrote more bytes than the sample count allows, as with chained streams that change their format. */
export class OverrunError extends Error {}

/** A second run of the encoder wrote other bytes than the first run. */
class MismatchError extends Error {}

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
  readonly #track: Track
  readonly #generation: string
  readonly #file: string
  readonly #handle: FileHandle
  readonly #lease: NodeJS.Timeout
  #head: Buffer = Buffer.alloc(0)
  #trailer: Buffer = Buffer.alloc(0)
  #size = 0
  /** Bytes in the file. */
  #written = 0
  /** Position of the next bytes that the encoder writes. In a second run it is smaller than `#written` at first. */
  #position = 0
  #isClosed = false

  /** @param findable whether look-ups may find the part */
  static async create (cacheDir: string, track: Track, quality: TranscodeQuality, findable: boolean): Promise<Part> {
    const generation = randomBytes(8).toString('hex')
    const path = findable ? partPath(track.path, quality, generation) : privatePartPath(track.path, generation)
    const file = join(cacheDir, path)
    return new Part(track, quality, generation, file, await createFile(file))
  }

  private constructor (
    track: Track, quality: TranscodeQuality, generation: string, file: string, handle: FileHandle
  ) {
    this.path = track.path
    this.quality = quality
    this.#track = track
    this.#generation = generation
    this.#file = file
    this.#handle = handle
    // Touches the file, so that a worker which waits for a slow disk does not look dead.
    this.#lease = setInterval(() => {
      handle.utimes(new Date(), new Date()).catch(() => {})
    }, LEASE_MS / 5)
  }

  /**
   * Sets all bytes that are not audio, and with them the final size.
   *
   * @param samples per channel at 44.1 kHz
   */
  layOut (samples: number, tags: Tags): void {
    const { name: file, version } = this.#track
    const tag = transcodeTag(tags, { file, version, samples, profile: PROFILE, generation: this.#generation })
    this.#head = Buffer.concat([tag, infoFrame(samples, this.quality)])
    this.#trailer = id3v1(tag)
    this.#size = tag.length + mp3Size(samples, this.quality) + ID3V1_SIZE
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

  /**
   * Starts, or restarts, a run of the encoder: writes tag and Info frame. In a second run, bytes that the first run
   * wrote are compared and not written again, so that listeners only notice a pause.
   */
  async startRun (): Promise<void> {
    this.#position = 0
    await this.append(this.#head)
  }

  /**
   * @throws {OverrunError} where the file would become larger than its size
   * @throws {MismatchError} where bytes of a second run differ from those of the first
   */
  async append (bytes: Buffer): Promise<void> {
    if (this.#position + bytes.length > this.#size) {
      throw new OverrunError(`The encoder wrote more than the ${this.#size} bytes that the file should have`)
    }
    const overlap = Math.min(this.#written - this.#position, bytes.length)
    if (overlap > 0) await this.#compare(bytes.subarray(0, overlap))
    for (let offset = overlap; offset < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, offset)
      offset += bytesWritten
      this.#written += bytesWritten
    }
    this.#position += bytes.length
  }

  /**
   * Completes the file, syncs it to the disk and renames it.
   *
   * @param file absolute path of the final name
   * @returns bytes of the file that it replaced
   * @throws where the file does not have exactly the bytes it should have; then nothing is renamed
   */
  async complete (file: string): Promise<number> {
    if (this.missing !== 0) throw new Error(`The file lacks ${this.missing} of its ${this.#size} bytes`)
    await this.append(this.#trailer)
    await this.#handle.sync()
    if ((await this.#handle.stat()).nlink === 0) throw new Error('The part was deleted while it was being written')
    await this.#close()
    const replacedBytes = await lstat(file).then(({ size }) => size, () => 0)
    await rename(this.#file, file)
    await syncDirectory(dirname(file))
    return replacedBytes
  }

  /** Closes and deletes the part. After complete() it does nothing. */
  async discard (): Promise<void> {
    await this.#close()
    await rm(this.#file, { force: true })
  }

  async #compare (bytes: Buffer): Promise<void> {
    const { buffer, bytesRead } = await this.#handle.read(Buffer.alloc(bytes.length), 0, bytes.length, this.#position)
    if (bytesRead < bytes.length || !buffer.equals(bytes)) {
      throw new MismatchError('The second run of the encoder wrote other bytes than the first')
    }
  }

  async #close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#lease)
    await this.#handle.close()
  }
}

/** Creates a file and its directories. It retries, because clearing the cache may remove an empty directory meanwhile. */
async function createFile (file: string): Promise<FileHandle> {
  for (let attempt = 1; ; attempt++) {
    await mkdir(dirname(file), { recursive: true })
    try {
      return await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 5) throw error
    }
  }
}

/** A rename survives a power failure only when the directory is synced too (fsync(2)). */
async function syncDirectory (dir: string): Promise<void> {
  const handle = await open(dir)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
