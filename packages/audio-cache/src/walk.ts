import { link, lstat, opendir, rename, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { isPartName, qualityOf } from './cached-name.ts'
import { isNothingThere } from './open-file.ts'
import { LEASE_MS } from './part.ts'
import { transcodeQualities, type TranscodeQuality } from './qualities.ts'

/** A file below the cache directory, ours or not. */
export interface Entry {
  /** Relative to the cache directory, with slashes. */
  path: string
  name: string
  size: number
  mtimeMs: number
  ino: number
}

export interface CacheStats {
  bytes: number
  files: number
  byQuality: Record<TranscodeQuality, { files: number, bytes: number }>
  /** Milliseconds since 1970; undefined for an empty cache. */
  oldest: number | undefined
  newest: number | undefined
}

export async function stats (dir: string): Promise<CacheStats> {
  const byQuality = Object.fromEntries(
    transcodeQualities.map(quality => [quality, { files: 0, bytes: 0 }])
  ) as CacheStats['byQuality']
  const total: CacheStats = { bytes: 0, files: 0, byQuality, oldest: undefined, newest: undefined }
  await walk(dir, entry => {
    const quality = qualityOf(entry.name)
    if (!quality) return false
    for (const sum of [total, byQuality[quality]]) {
      sum.bytes += entry.size
      sum.files += 1
    }
    total.oldest = Math.min(total.oldest ?? Infinity, entry.mtimeMs)
    total.newest = Math.max(total.newest ?? -Infinity, entry.mtimeMs)
    return false
  })
  return total
}

/** Which cached files to delete: all conditions that are given must hold. */
export interface Selection {
  /** Only those cached longer ago than this many milliseconds. */
  olderThanMs?: number
  quality?: TranscodeQuality
  /** Only files for which this holds, by their path relative to the cache directory. */
  where?: (path: string) => boolean
  /** Count, and delete nothing. */
  dryRun?: boolean
}

export interface Removed {
  files: number
  bytes: number
}

export async function clear (dir: string, selection: Selection = {}): Promise<Removed> {
  const { olderThanMs = -Infinity, quality, where = () => true, dryRun = false } = selection
  const before = Date.now() - olderThanMs
  const removed = { files: 0, bytes: 0 }
  await walk(dir, async ({ path, name, size, mtimeMs }) => {
    const found = qualityOf(name)
    if (!found || (quality && quality !== found) || mtimeMs >= before || !where(path)) return false
    if (!dryRun && !await happened(unlink(join(dir, path)))) return false
    removed.files++
    removed.bytes += size
    return !dryRun
  })
  return removed
}

/** Deletes parts whose workers died. */
export async function sweepParts (dir: string): Promise<number> {
  const before = Date.now() - LEASE_MS
  let swept = 0
  await walk(dir, async ({ path, name, mtimeMs }) => {
    if (!isPartName(name) || mtimeMs >= before || !await happened(unlink(join(dir, path)))) return false
    swept++
    return true
  })
  return swept
}

/**
 * Deletes a file if it is still the one that was looked at, and not what was published over it meanwhile.
 *
 * @returns whether it was deleted
 */
export async function removeExactly (dir: string, { path, ino }: Entry): Promise<boolean> {
  const file = join(dir, path)
  const aside = join(dirname(file), `.${randomBytes(8).toString('hex')}.${randomBytes(8).toString('hex')}.part`)
  if (!await happened(rename(file, aside))) return false
  const same = (await lstat(aside)).ino === ino
  // A new one goes back, unless a still newer one has taken the name.
  if (!same) await link(aside, file).catch(() => {})
  await unlink(aside)
  return same
}

/**
 * Visits every regular file below a directory, never through a link, with the names of one directory open at a time.
 *
 * @param visit says whether it removed the file; a directory emptied that way is removed too
 * @param prune removes directories that were empty before, too
 * @returns whether anything was removed
 */
export async function walk (
  dir: string, visit: (entry: Entry) => Promise<boolean> | boolean, { prune = false, below = '' } = {}
): Promise<boolean> {
  let removed = prune
  try {
    for await (const found of await opendir(join(dir, below))) {
      const path = below ? `${below}/${found.name}` : found.name
      if (found.isDirectory()) {
        if (await walk(dir, visit, { prune, below: path }) && await happened(rmdir(join(dir, path)))) removed = true
      } else if (found.isFile()) {
        const stat = await lstat(join(dir, path)).catch(ignoreGone)
        if (!stat) continue
        const { size, mtimeMs, ino } = stat
        if (await visit({ path, name: found.name, size, mtimeMs, ino })) removed = true
      }
    }
  } catch (error) {
    ignoreGone(error)
  }
  return removed
}

/** @returns whether a removal happened: not for what is gone already, nor for a directory that is not empty */
async function happened (removal: Promise<void>): Promise<boolean> {
  try {
    await removal
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') ignoreGone(error)
    return false
  }
}

function ignoreGone (error: unknown): undefined {
  if (!isNothingThere(error)) throw error
}
