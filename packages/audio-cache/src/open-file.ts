import { close, constants, fstat, open, read, type BigIntStats } from 'node:fs'
import { promisify } from 'node:util'

const opened = promisify(open)
const closed = promisify(close)
const statOf = promisify(fstat) as (fd: number, options: { bigint: true }) => Promise<BigIntStats>

/** What one answer is made of: all of it is known before the first byte is sent (RFC 9110, 8.1). */
export interface Representation {
  /** Bytes. */
  readonly size: number
  /** Strong entity tag with its quotes (RFC 9110, 8.8.3). */
  readonly etag: string
  /** Nanoseconds since 1970; undefined for what is still being written. */
  readonly mtimeNs: bigint | undefined
  /**
   * Reads at a position.
   *
   * @param hasLeft says whether nobody waits for the bytes any more
   * @returns how many bytes were read; 0 where there will never be one
   */
  read (buffer: Buffer, length: number, position: number, hasLeft: () => boolean): Promise<number>
  close (): Promise<void> | void
}

/** What says that there is nothing to read under a name: no such file, or none that we would serve. */
const NOTHING_THERE = new Set([
  'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EISDIR', 'EACCES', 'EPERM', 'ENXIO', 'EINVAL', 'ERR_INVALID_ARG_VALUE'
])

export function isNothingThere (error: unknown): boolean {
  return NOTHING_THERE.has((error as NodeJS.ErrnoException).code ?? '')
}

/**
 * A regular file that is open for reading, as it was when it was opened.
 *
 * Size, validators and bytes all come from the one descriptor, so a file that is replaced meanwhile never mixes two
 * versions in one answer.
 */
export class OpenFile implements Representation {
  /** Where it was opened. */
  readonly path: string
  readonly size: number
  readonly mtimeNs: bigint
  readonly etag: string
  /** Changes whenever the content does. */
  readonly version: string
  readonly #fd: number
  readonly #stat: BigIntStats

  constructor (path: string, fd: number, stat: BigIntStats) {
    this.path = path
    this.#fd = fd
    this.#stat = stat
    this.size = Number(stat.size)
    this.mtimeNs = stat.mtimeNs
    this.version = `${stat.size}-${stat.mtimeNs}`
    this.etag = `"${stat.ino.toString(36)}-${stat.size.toString(36)}-${stat.mtimeNs.toString(36)}"`
  }

  read (buffer: Buffer, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#fd, buffer, 0, length, position, (error, bytesRead) => error ? reject(error) : resolve(bytesRead))
    })
  }

  /** @returns the first bytes, fewer than `length` where the file has no more */
  async head (length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length)
    return buffer.subarray(0, await this.read(buffer, length, 0))
  }

  /** Of the open file, also after its name has gone to another. */
  async stat (): Promise<BigIntStats> {
    return await statOf(this.#fd, { bigint: true })
  }

  get ctimeMs (): number {
    return Number(this.#stat.ctimeMs)
  }

  /** Of the file system that it is on. */
  get device (): bigint {
    return this.#stat.dev
  }

  /** @returns whether this is the very file, unchanged: its content cannot have changed without its ctime */
  is ({ ino, dev, size, mtimeNs, ctimeNs }: BigIntStats): boolean {
    const own = this.#stat
    return ino === own.ino && ctimeNs === own.ctimeNs && size === own.size && mtimeNs === own.mtimeNs && dev === own.dev
  }

  close (): Promise<void> | void {
    return closed(this.#fd)
  }
}

/**
 * Opens a regular file without following a link in its last part.
 *
 * O_NONBLOCK, because opening a FIFO otherwise waits for a writer, and four such waits stop all file access of Node.
 *
 * @returns undefined where there is no regular file to read
 */
export async function openFile<T extends OpenFile = OpenFile> (
  path: string, Kind: new (path: string, fd: number, stat: BigIntStats) => T = OpenFile as never
): Promise<T | undefined> {
  let fd: number | undefined
  try {
    fd = await opened(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    const stat = await statOf(fd, { bigint: true })
    if (stat.isFile()) return new Kind(path, fd, stat)
  } catch (error) {
    if (fd !== undefined) await closed(fd)
    if (isNothingThere(error)) return undefined
    throw error
  }
  await closed(fd)
}
