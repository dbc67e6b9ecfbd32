import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hiddenPartPath, partPath } from './cached-name.ts'
import { infoFrame, mp3Size } from './mp3-layout.ts'
import { PROFILE } from './provenance.ts'
import { ID3V1_SIZE, id3v1, id3v2, type Tags } from './tag.ts'
import type { Track } from './library.ts'
import type { TranscodeQuality } from './qualities.ts'

/** A part whose mtime is older than this, in milliseconds, belongs to a worker that died. */
export const LEASE_MS = 5000

/** The source holds more than was found in it before: it changes its format on the way, as chained streams may. */
export class OverrunError extends Error {}

/** A second run of the encoder did not say what the first had said. */
export class UnlikeError extends Error {}

/**
 * A transcode on its way: tag and Info frame first, then whatever the encoder says, in order, and never rewritten.
 *
 * An empty one says that a worker has begun, one with a head is served to listeners while it grows.
 */
export class Part {
  /** The track's path, relative to MUSIC_ROOT. */
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
  /** Where the next bytes belong: behind the last, or, in a second run of the encoder, before them. */
  #position = 0
  #closed = false

  /** @param forListeners whether it is served while it grows */
  static async create (cacheDir: string, track: Track, quality: TranscodeQuality, forListeners: boolean): Promise<Part> {
    const generation = randomBytes(8).toString('hex')
    const name = forListeners ? partPath(track.path, quality, generation) : hiddenPartPath(track.path, generation)
    const file = join(cacheDir, name)
    return new Part(track, quality, generation, file, await openNew(file))
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
    // Waiting for a slow disk must not look like death.
    this.#lease = setInterval(() => {
      handle.utimes(new Date(), new Date()).catch(() => {})
    }, LEASE_MS / 5)
  }

  /** Settles every byte but the audio: from here on the size is known. */
  layOut (samples: number, tags: Tags): void {
    const { name: file, version } = this.#track
    const tag = id3v2(tags, { file, version, samples, profile: PROFILE, generation: this.#generation })
    this.#head = Buffer.concat([tag, infoFrame(samples, this.quality)])
    this.#trailer = id3v1(tag)
    this.#size = tag.length + mp3Size(samples, this.quality) + ID3V1_SIZE
  }

  /** Bytes that the finished file will have. */
  get size (): number {
    return this.#size
  }

  /** From 0 to 1. */
  get progress (): number {
    return this.#position / this.#size
  }

  /** Bytes that are missing before the tag at the end. */
  get missing (): number {
    return this.#size - ID3V1_SIZE - this.#position
  }

  /**
   * Begins with the head, or begins again: what a second run of the encoder says is compared with what is there, so
   * that listeners in the middle of it notice nothing but a pause.
   */
  async begin (): Promise<void> {
    this.#position = 0
    await this.append(this.#head)
  }

  /**
   * @throws {OverrunError}
   * @throws {UnlikeError}
   */
  async append (bytes: Buffer): Promise<void> {
    if (this.#position + bytes.length > this.#size) {
      throw new OverrunError(`The encoder wrote more than the ${this.#size} bytes that the file should have`)
    }
    const known = Math.min(this.#written - this.#position, bytes.length)
    if (known > 0) await this.#compare(bytes.subarray(0, known))
    for (let done = known; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done)
      done += bytesWritten
      this.#written += bytesWritten
    }
    this.#position += bytes.length
  }

  /**
   * Completes the file, puts it on the disk and gives it its name.
   *
   * @returns bytes of the file that it replaced
   * @throws where it has not exactly the bytes it should have; then no file has the final name
   */
  async publish (file: string): Promise<number> {
    if (this.missing !== 0) throw new Error(`The file lacks ${this.missing} of its ${this.size} bytes`)
    await this.append(this.#trailer)
    await this.#handle.sync()
    if ((await this.#handle.stat()).nlink === 0) throw new Error('The part was deleted while it was being written')
    await this.#close()
    const replaced = await lstat(file).then(({ size }) => size, () => 0)
    await rename(this.#file, file)
    await syncDirectory(dirname(file))
    return replaced
  }

  /** Removes whatever is left of it: nothing, after it was published. */
  async discard (): Promise<void> {
    await this.#close()
    await rm(this.#file, { force: true })
  }

  async #compare (bytes: Buffer): Promise<void> {
    const { buffer, bytesRead } = await this.#handle.read(Buffer.alloc(bytes.length), 0, bytes.length, this.#position)
    if (bytesRead < bytes.length || !buffer.equals(bytes)) {
      throw new UnlikeError('The second run of the encoder is not like the first')
    }
  }

  async #close (): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#lease)
    await this.#handle.close()
  }
}

/** Creates a file and its directories, which a clear may be removing at this very moment. */
async function openNew (file: string): Promise<FileHandle> {
  for (let tries = 1; ; tries++) {
    await mkdir(dirname(file), { recursive: true })
    try {
      return await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 5) throw error
    }
  }
}

/** A rename is on the disk when its directory is. */
async function syncDirectory (dir: string): Promise<void> {
  const handle = await open(dir)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
