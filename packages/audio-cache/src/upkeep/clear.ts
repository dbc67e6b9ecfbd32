import type { TranscodeQuality } from '@mixtape/mp3'
import { isPartName, isPrivatePartName, isSegmentPath, kindOf } from '../cached-paths.ts'
import { fileSystemTime } from '../file-system-time.ts'
import { isLeased } from '../leased-file.ts'
import { DeletedPaths, type OnDeleted } from './deleted-paths.ts'
import { noFiles, type CountsByKind } from './stats.ts'
import { remove, walk, type Entry, type Removed } from './walk.ts'

/** Which cached files to delete. A file is deleted when it meets all conditions that are given. */
export interface Selection {
  /** Only files that were cached longer ago than this, in milliseconds. */
  olderThanMs?: number
  /** Only transcodes at this quality, and no covers. */
  quality?: TranscodeQuality
  /** Only files for which this returns true. The path is relative to the cache directory. */
  where?: (path: string) => boolean
  /** Count the files, and delete none. */
  dryRun?: boolean
}

/** Deletes cached files, and the directories that this empties. All other files stay. */
export async function clearCache (
  dir: string, selection: Selection = {}, onDeleted: OnDeleted = async () => {}
): Promise<Removed & { byKind: CountsByKind }> {
  const { olderThanMs = -Infinity, quality, where = () => true, dryRun = false } = selection
  const before = await fileSystemTime(dir) - olderThanMs
  const removed = { files: 0, bytes: 0, byKind: noFiles() }
  const deleted = new DeletedPaths(onDeleted)
  await walk(dir, async entry => {
    const found = kindOf(entry.name)
    if (!found || (quality && quality !== found) || entry.mtimeMs >= before || !where(entry.path)) return false
    if (!dryRun && !await remove(dir, entry)) return false
    for (const sum of [removed, removed.byKind[found]]) {
      sum.files++
      sum.bytes += entry.size
    }
    if (!dryRun) await deleted.add(entry.path)
    return !dryRun
  })
  await deleted.flush()
  return removed
}

/** Parts and completed segments are kept for this time after a worker died, so that the next one need not make them again. */
const KEEP_DEAD_MS = 24 * 3_600_000

/**
 * Deletes parts and segments that no living worker is writing. Completed segments, and parts that look-ups find, are kept for a day.
 *
 * @returns how many were deleted
 */
export async function clearDeadParts (dir: string): Promise<number> {
  let removed = 0
  await walk(dir, async entry => {
    if (!isPartName(entry.name) && !isSegmentPath(entry.path)) return false
    if (await isKept(dir, entry) || !await remove(dir, entry)) return false
    removed++
    return true
  })
  return removed
}

async function isKept (dir: string, { name, mtimeMs }: Entry): Promise<boolean> {
  if (name.endsWith('.growing') || isPrivatePartName(name)) return await isLeased(dir, mtimeMs)
  return mtimeMs >= await fileSystemTime(dir) - KEEP_DEAD_MS
}
