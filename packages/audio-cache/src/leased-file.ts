import { constants } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'

/** A file that is being written, and whose mtime is older than this, in milliseconds, belongs to a worker that died. */
export const LEASE_MS = 5000

/** A new file that a worker appends to. It is touched regularly, so that a worker that waits for a slow disk does not look dead. */
export class LeasedFile {
  /** Absolute path. */
  readonly path: string
  readonly #handle: FileHandle
  readonly #lease: NodeJS.Timeout
  #size = 0
  #isClosed = false

  /** @throws where the file exists, or its directory does not */
  static async create (path: string): Promise<LeasedFile> {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND
    return new LeasedFile(path, await open(path, flags))
  }

  private constructor (path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
    this.#lease = setInterval(() => { handle.utimes(new Date(), new Date()).catch(() => {}) }, LEASE_MS / 5)
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

  /** Closes and deletes the file. After finish() it does nothing. */
  async discard (): Promise<void> {
    await this.#close()
    await rm(this.path, { force: true })
  }

  async #close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#lease)
    await this.#handle.close()
  }
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
