import { close, constants, fstat, open, read, type BigIntStats } from 'node:fs'
import { promisify } from 'node:util'
import type { Representation } from './representation.ts'

const openAsync = promisify(open)
const closeAsync = promisify(close)
const fstatAsync = promisify(fstat) as (fd: number, options: { bigint: true }) => Promise<BigIntStats>

/**
 * Error codes that mean: under this name there is no file that could be served. ESTALE: another host has deleted it, on a
 * network file system.
 */
const UNAVAILABLE = new Set([
  'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EISDIR', 'EACCES', 'EPERM', 'ENXIO', 'EINVAL', 'ESTALE', 'ERR_INVALID_ARG_VALUE'
])

/** @returns whether a file system error means that there is no file to serve; other errors are faults */
export function isUnavailable (error: unknown): boolean {
  return UNAVAILABLE.has((error as NodeJS.ErrnoException).code ?? '')
}

/** For catch(): @returns undefined where there is no file to serve. @throws faults */
export function ignoreUnavailable (error: unknown): undefined {
  if (!isUnavailable(error)) throw error
}

/**
 * A regular file that is open for reading, with its metadata at the time it was opened.
 *
 * Size, validators and bytes come from one descriptor. A file that is replaced meanwhile never mixes two versions in
 * one response.
 */
export class OpenFile implements Representation {
  /** Path under which it was opened. */
  readonly path: string
  readonly size: number
  readonly mtimeNs: bigint
  readonly etag: string
  /** Size and mtime. A change of the content that keeps both is not noticed. */
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

  /** @returns the first `length` bytes, or the whole file where it is shorter */
  async head (length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length)
    return buffer.subarray(0, await this.read(buffer, length, 0))
  }

  /** @returns the present metadata of the open file, even after it was renamed or deleted */
  async stat (): Promise<BigIntStats> {
    return await fstatAsync(this.#fd, { bigint: true })
  }

  /** Milliseconds since 1970. */
  get ctimeMs (): number {
    return Number(this.#stat.ctimeMs)
  }

  /** @returns whether a path leads to this file, unchanged: content cannot change without ctime */
  matches ({ ino, dev, size, mtimeNs, ctimeNs }: BigIntStats): boolean {
    const own = this.#stat
    return ino === own.ino && ctimeNs === own.ctimeNs && size === own.size && mtimeNs === own.mtimeNs && dev === own.dev
  }

  close (): Promise<void> | void {
    return closeAsync(this.#fd)
  }
}

/**
 * Opens a regular file for reading. A symbolic link in the last part of the path is not followed. The caller must
 * close() the file.
 *
 * O_NONBLOCK: opening a FIFO would otherwise wait for a writer, and four such waits block all file access of Node.js.
 *
 * @param File class to make the file of
 * @returns undefined where there is no regular file, or it may not be read
 */
export async function openFile<T extends OpenFile = OpenFile> (
  path: string, File: new (path: string, fd: number, stat: BigIntStats) => T = OpenFile as never
): Promise<T | undefined> {
  let fd: number | undefined
  try {
    fd = await openAsync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    const stat = await fstatAsync(fd, { bigint: true })
    if (stat.isFile()) return new File(path, fd, stat)
  } catch (error) {
    if (fd !== undefined) await closeAsync(fd)
    if (isUnavailable(error)) return undefined
    throw error
  }
  await closeAsync(fd)
}
