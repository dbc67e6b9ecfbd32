import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { partPath } from './cached-name.ts'
import { infoFrame, mp3Size } from './mp3-layout.ts'
import { ID3V1_SIZE, id3v1, id3v2, type Tags } from './tag.ts'
import type { Track } from './library.ts'
import type { TranscodeQuality } from './qualities.ts'

/** A part whose mtime is older than this, in milliseconds, belongs to a worker that died. */
export const LEASE_MS = 5000

/** The source holds more than was found in it before: it changes its format on the way, as chained streams may. */
export class OverrunError extends Error {}

/** A transcode on its way: tag and Info frame first, then whatever the encoder says, in order, and never rewritten. */
export class Part {
  /** The track's path, relative to MUSIC_ROOT. */
  readonly path: string
  readonly quality: TranscodeQuality
  /** Bytes that the finished file will have. */
  readonly size: number
  readonly #file: string
  readonly #handle: FileHandle
  readonly #trailer: Buffer
  readonly #lease: NodeJS.Timeout
  #written = 0
  #closed = false

  static async create (
    cacheDir: string,
    track: Track,
    quality: TranscodeQuality,
    { samples, tags, profile }: { samples: number, tags: Tags, profile: number }
  ): Promise<Part> {
    const generation = randomBytes(8).toString('hex')
    const provenance = { file: track.name, version: track.version, samples, profile, generation }
    const head = id3v2(tags, provenance)
    const size = head.length + mp3Size(samples, quality) + ID3V1_SIZE
    const file = join(cacheDir, partPath(track.path, quality, generation))
    const part = new Part(track.path, quality, size, file, await openNew(file), id3v1(tags))
    try {
      await part.append(Buffer.concat([head, infoFrame(samples, quality)]))
      return part
    } catch (error) {
      await part.discard()
      throw error
    }
  }

  private constructor (
    path: string, quality: TranscodeQuality, size: number, file: string, handle: FileHandle, trailer: Buffer
  ) {
    this.path = path
    this.quality = quality
    this.size = size
    this.#file = file
    this.#handle = handle
    this.#trailer = trailer
    // Waiting for a slow disk must not look like death.
    this.#lease = setInterval(() => {
      handle.utimes(new Date(), new Date()).catch(() => {})
    }, LEASE_MS / 5)
  }

  /** From 0 to 1. */
  get progress (): number {
    return this.#written / this.size
  }

  async append (bytes: Buffer): Promise<void> {
    if (this.#written + bytes.length > this.size) {
      throw new OverrunError(`The encoder wrote more than the ${this.size} bytes that the file should have`)
    }
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done)
      done += bytesWritten
    }
    this.#written += bytes.length
  }

  /**
   * Completes the file, puts it on the disk and gives it its name.
   *
   * @returns bytes of the file that it replaced
   * @throws where it has not exactly the bytes it should have; then no file has the final name
   */
  async publish (file: string): Promise<number> {
    await this.append(this.#trailer)
    if (this.#written !== this.size) {
      throw new Error(`The encoder wrote ${this.#written} of the ${this.size} bytes that the file should have`)
    }
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
      return await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND)
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
