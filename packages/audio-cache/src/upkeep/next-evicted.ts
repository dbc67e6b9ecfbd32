import { kindOf } from '../cached-paths.ts'
import { compare, type Candidate, type Rank } from './evict.ts'
import { walk } from './walk.ts'

/** Candidates that are ranked with one call. */
const BATCH_SIZE = 1000

/**
 * Finds the cached files that would be evicted next, without deleting any. It walks the directory once.
 *
 * @param rank as for evict()
 * @returns the lowest-ranked first, at most `count`
 */
export async function nextEvicted (
  dir: string, count: number, rank: (candidates: Candidate[]) => Promise<Rank[]>
): Promise<Candidate[]> {
  let lowest: { rank: number[], entry: Candidate }[] = []
  let batch: Candidate[] = []
  const rankBatch = async () => {
    const ranks = await rank(batch)
    lowest.push(...batch.flatMap((entry, index) => {
      const entryRank = ranks[index]
      return entryRank ? [{ rank: entryRank, entry }] : []
    }))
    lowest = lowest.sort((a, b) => compare(a.rank, b.rank)).slice(0, count)
    batch = []
  }
  await walk(dir, async entry => {
    const kind = kindOf(entry.name)
    if (kind) batch.push({ ...entry, kind })
    if (batch.length === BATCH_SIZE) await rankBatch()
    return false
  })
  await rankBatch()
  return lowest.map(({ entry }) => entry)
}
