import { byRank, rankCandidates, type Candidate, type RankCandidates, type RankedCandidate } from './rank-candidates.ts'

/**
 * Finds the cached files that would be evicted next, without deleting any. It walks the directory once.
 *
 * @returns the lowest-ranked first, at most `count`
 */
export async function nextEvicted (dir: string, count: number, rank: RankCandidates): Promise<Candidate[]> {
  let lowest: RankedCandidate[] = []
  await rankCandidates(dir, rank, ranked => {
    lowest = [...lowest, ...ranked].sort(byRank).slice(0, count)
  })
  return lowest.map(({ entry }) => entry)
}
