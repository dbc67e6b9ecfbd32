import { qualityOf } from './cached-name.ts'
import { removeExactly, walk, type Entry, type Removed } from './walk.ts'
import type { TranscodeQuality } from './qualities.ts'

/** A cached file that could go. */
export interface Candidate extends Entry {
  quality: TranscodeQuality
}

/** Compared number by number: the lowest goes first. Undefined for a file that must stay. */
export type Rank = number[] | undefined

/** Candidates ranked in one go, since what ranks them is asked of Redis. */
const BATCH = 1000

/**
 * Deletes the cached files that rank lowest until at least `bytes` are free.
 *
 * One walk, and no more in memory than what may have to go. A file that listeners have open they read to its end.
 *
 * @returns what was deleted, and the bytes of all cached files that were there before
 */
export async function evict (
  dir: string, bytes: number, rank: (candidates: Candidate[]) => Promise<Rank[]>
): Promise<Removed & { before: number, paths: string[] }> {
  let before = 0
  let victims: { rank: number[], entry: Candidate }[] = []
  let held = 0
  let batch: Candidate[] = []

  const flush = async () => {
    const ranks = await rank(batch)
    batch.forEach((entry, index) => {
      const found = ranks[index]
      if (!found) return
      victims.push({ rank: found, entry })
      held += entry.size
    })
    batch = []
    if (held > 2 * bytes) trim()
  }

  /** Keeps the lowest that together are enough. */
  const trim = () => {
    victims.sort((a, b) => compare(a.rank, b.rank))
    held = 0
    const enough = victims.findIndex(({ entry }) => {
      held += entry.size
      return held >= bytes
    })
    if (enough >= 0) victims = victims.slice(0, enough + 1)
  }

  await walk(dir, async entry => {
    const quality = qualityOf(entry.name)
    if (!quality) return false
    before += entry.size
    batch.push({ ...entry, quality })
    if (batch.length === BATCH) await flush()
    return false
  })
  await flush()
  trim()

  const removed = { files: 0, bytes: 0, before, paths: [] as string[] }
  for (const { entry } of victims) {
    if (removed.bytes >= bytes) break
    if (!await removeExactly(dir, entry)) continue
    removed.files++
    removed.bytes += entry.size
    removed.paths.push(entry.path)
  }
  return removed
}

function compare (a: number[], b: number[]): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference) return difference
  }
  return 0
}
