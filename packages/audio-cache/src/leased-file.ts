import { constants } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { fileSystemTime } from './file-system-time.ts'

/**
 * A file that is being written, and whose mtime is older than this, in milliseconds, belongs to a worker that died. Both times
 * are those of the file system: the clocks of hosts differ.
 */
export const LEASE_MS = 5000

/** A file that is being written is touched this often, in milliseconds. */
export const TOUCH_MS = LEASE_MS / 5

/**
 * Whether a worker that lives is writing a file.
 *
 * @param cacheDir absolute path of the cache directory
 * @param mtimeMs of the file. One in the future is from before the clock of the file system was set back, so no worker has
 * touched the file since
 */
export async function isLeased (cacheDir: string, mtimeMs: number): Promise<boolean> {
  const isRecent = (now: number) => Math.abs(now - mtimeMs) < LEASE_MS
  return isRecent(await fileSystemTime(cacheDir)) || isRecent(await fileSystemTime(cacheDir, { isFresh: true }))
}

/** A new file that a worker appends to. It is touched regularly, so that a worker that waits for a slow disk does not look dead. */
export class LeasedFile {
  /** Absolute path. */
  readonly path: string
  readonly #handle: FileHandle
  readonly #lease: NodeJS.Timeout
  #touching: Promise<void> | undefined
  #size = 0
  #isClosed = false
  #isAbandoned = false

  /** @throws where the file exists, or its directory does not */
  static async create (path: string): Promise<LeasedFile> {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND
    return new LeasedFile(path, await open(path, flags))
  }

  private constructor (path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
    this.#lease = setInterval(() => {
      this.#touching ??= touch(handle).catch(() => {}).finally(() => { this.#touching = undefined })
    }, TOUCH_MS)
  }

  /** Bytes written. */
  get size (): number {
    return this.#size
  }

  async append (bytes: Buffer): Promise<void> {
    for (let offset = 0; offset < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, offset)
      offset += bytesWritten
      this.#size += bytesWritten
    }
  }

  /** @returns whether these are the bytes at a position */
  async equals (bytes: Buffer, position: number): Promise<boolean> {
    const { buffer, bytesRead } = await this.#handle.read(Buffer.alloc(bytes.length), 0, bytes.length, position)
    return bytesRead === bytes.length && buffer.equals(bytes)
  }

  /**
   * Syncs the file to the disk, closes it and renames it. The name is durable only once its directory is synced too.
   *
   * @throws where the file was deleted meanwhile; then nothing is renamed
   */
  async finish (path: string): Promise<void> {
    await this.#handle.sync()
    if ((await this.#handle.stat()).nlink === 0) throw new Error('The file was deleted while it was being written')
    await this.#close()
    await rename(this.path, path)
  }

  /** Closes the file and leaves it, dead at once, to the next worker. After finish() it does nothing. */
  async abandon (): Promise<void> {
    if (this.#isClosed) return
    this.#isAbandoned = true
    clearInterval(this.#lease)
    await this.#touching // it would make the file recent again
    const { ctimeMs } = await this.#handle.stat()
    const dead = (ctimeMs - 2 * LEASE_MS) / 1000
    await this.#handle.utimes(dead, dead)
    await this.#close()
  }

  /** Closes and deletes the file. After finish() and abandon() it does nothing. */
  async discard (): Promise<void> {
    await this.#close()
    if (!this.#isAbandoned) await rm(this.path, { force: true })
  }

  async #close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#lease)
    await this.#handle.close()
  }
}

/**
 * Makes the mtime of a file recent, by the clock of the file system. Node.js can only set a time that it names, and the clock
 * of this host may be wrong. But whenever a time is set, the file system sets the ctime by its own clock. So each call takes
 * the time of the call before.
 */
async function touch (handle: FileHandle): Promise<void> {
  const { ctime } = await handle.stat()
  await handle.utimes(ctime, ctime)
}

/** A rename survives a power failure only when the directory is synced too (fsync(2)). */
export async function syncDirectory (dir: string): Promise<void> {
  const handle = await open(dir)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
