import { link, lstat, opendir, rename, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { ignoreUnavailable } from '@mixtape/library'
import { privatePartPath } from '../cached-paths.ts'
import { fileSystemTime } from '../file-system-time.ts'

const DAY_MS = 24 * 3_600_000

/** A regular file below the cache directory, of the cache or not. */
export interface Entry {
  /** Relative to the cache directory, with slashes. */
  path: string
  name: string
  /** Bytes. */
  size: number
  /** Milliseconds since 1970. */
  mtimeMs: number
  ino: number
}

/** What an upkeep task deleted. */
export interface Removed {
  files: number
  bytes: number
}

/**
 * Visits every regular file below a directory. It follows no links, and keeps one directory handle open per level.
 *
 * @param visit returns whether it deleted the file; a directory that becomes empty that way is deleted too
 * @param options.prune delete directories that were empty before, too
 * @returns whether the directory may be deleted, provided that it is empty now
 */
export async function walk (
  dir: string, visit: (entry: Entry) => Promise<boolean> | boolean, { prune = false, below = '' } = {}
): Promise<boolean> {
  let removed = prune
  try {
    for await (const found of await opendir(join(dir, below))) {
      const path = below ? `${below}/${found.name}` : found.name
      if (found.isDirectory()) {
        const isEmptied = await walk(dir, visit, { prune, below: path })
        if (isEmptied && !await isInUse(dir, path) && await succeeds(rmdir(join(dir, path)))) removed = true
      } else if (found.isFile()) {
        const stat = await lstat(join(dir, path)).catch(ignoreUnavailable)
        if (!stat) continue
        const { size, mtimeMs, ino } = stat
        if (await visit({ path, name: found.name, size, mtimeMs, ino })) removed = true
      }
    }
  } catch (error) {
    ignoreUnavailable(error)
  }
  return removed
}

/** @returns whether a file was deleted; false where it was gone already */
export async function remove (dir: string, { path }: Entry): Promise<boolean> {
  return await succeeds(unlink(join(dir, path)))
}

/**
 * Deletes a file only if it is still the one that was visited. A file that was published under its name meanwhile
 * stays.
 *
 * @returns whether the file was deleted
 */
export async function removeIfUnchanged (dir: string, { path, ino }: Entry): Promise<boolean> {
  const file = join(dir, path)
  const aside = join(dir, privatePartPath(path, randomBytes(8).toString('hex')))
  if (!await succeeds(rename(file, aside))) return false
  const found = await lstat(aside).catch(ignoreUnavailable)
  if (!found) return true // a worker that started took it for a dead part
  // The newer file goes back to its name, unless a still newer one was published there.
  if (found.ino !== ino) await link(aside, file).catch(() => {})
  await succeeds(unlink(aside))
  return found.ino === ino
}

/** Whether a directory of segments may belong to a transcode that runs: the directory says that segments may be made. */
async function isInUse (dir: string, path: string): Promise<boolean> {
  if (!path.endsWith('.segments')) return false
  const found = await lstat(join(dir, path)).catch(ignoreUnavailable)
  return found !== undefined && await fileSystemTime(dir) - found.mtimeMs < DAY_MS
}

/** @returns false where the file is gone already, or the directory is not empty */
async function succeeds (removal: Promise<void>): Promise<boolean> {
  try {
    await removal
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') ignoreUnavailable(error)
    return false
  }
}
