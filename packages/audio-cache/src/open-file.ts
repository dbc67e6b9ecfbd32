import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

/**
 * A regular file that is open for reading, as it was when it was opened.
 *
 * Size, validators and bytes all come from the one descriptor, so a file that is replaced meanwhile never mixes two
 * versions in one answer.
 */
export interface OpenFile {
  readonly handle: FileHandle
  /** Bytes. */
  readonly size: number
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint
  /** Strong entity tag with its quotes (RFC 9110, 8.8.3). */
  readonly etag: string
  close (): Promise<void>
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
      return {
        handle,
        size: Number(stat.size),
        mtimeNs: stat.mtimeNs,
        etag: `"${stat.ino.toString(36)}-${stat.size.toString(36)}-${stat.mtimeNs.toString(36)}"`,
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
