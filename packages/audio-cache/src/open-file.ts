import { constants, read } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'

const readAt = promisify(read)

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
  close (): Promise<void>
}

/**
 * A regular file that is open for reading, as it was when it was opened.
 *
 * Size, validators and bytes all come from the one descriptor, so a file that is replaced meanwhile never mixes two
 * versions in one answer.
 */
export interface OpenFile extends Representation {
  readonly handle: FileHandle
  readonly mtimeNs: bigint
}

/** What says that there is nothing to read under a name: no such file, or none that we would serve. */
const NOTHING_THERE = new Set([
  'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EISDIR', 'EACCES', 'EPERM', 'ENXIO', 'EINVAL', 'ERR_INVALID_ARG_VALUE'
])

export function isNothingThere (error: unknown): boolean {
  return NOTHING_THERE.has((error as NodeJS.ErrnoException).code ?? '')
}

/**
 * Opens a regular file without following a link in its last part.
 *
 * O_NONBLOCK, because opening a FIFO otherwise waits for a writer, and four such waits stop all file access of Node.
 *
 * @returns undefined where there is no regular file to read
 */
export async function openFile (path: string): Promise<OpenFile | undefined> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    const stat = await handle.stat({ bigint: true })
    if (stat.isFile()) {
      const { fd } = handle
      return {
        handle,
        size: Number(stat.size),
        mtimeNs: stat.mtimeNs,
        etag: `"${stat.ino.toString(36)}-${stat.size.toString(36)}-${stat.mtimeNs.toString(36)}"`,
        read: async (buffer, length, position) => (await readAt(fd, buffer, 0, length, position)).bytesRead,
        close: handle.close.bind(handle)
      }
    }
  } catch (error) {
    await handle?.close()
    if (isNothingThere(error)) return undefined
    throw error
  }
  await handle.close()
}
