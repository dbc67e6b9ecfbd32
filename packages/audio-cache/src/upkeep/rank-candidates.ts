import { kindOf, type CachedKind } from '../cached-paths.ts'
import { walk, type Entry } from './walk.ts'

/** A cached file that may be evicted. */
export interface Candidate extends Entry {
  kind: CachedKind
}

/** Compared number by number: the lowest rank is evicted first. Undefined for a file that must stay. */
type Rank = number[] | undefined

/** Ranks up to 1000 candidates; the result has one rank for each. */
export type RankCandidates = (candidates: Candidate[]) => Promise<Rank[]>

/** A candidate that may be evicted now. */
export interface RankedCandidate {
  rank: number[]
  entry: Candidate
}

/** Candidates that are ranked with one call, because ranking them asks Redis. */
const BATCH_SIZE = 1000

/**
 * Ranks all cached files with one walk over the directory.
 *
 * @param onRanked gets those of up to 1000 files that need not stay
 * @param onEntry gets each file, cached or not; `kind` is undefined for one that is not
 */
export async function rankCandidates (
  dir: string, rank: RankCandidates, onRanked: (ranked: RankedCandidate[]) => void,
  onEntry: (entry: Entry, kind: CachedKind | undefined) => void = () => {}
): Promise<void> {
  let batch: Candidate[] = []
  const rankBatch = async () => {
    const ranks = await rank(batch)
    onRanked(batch.flatMap((entry, index) => {
      const entryRank = ranks[index]
      return entryRank ? [{ rank: entryRank, entry }] : []
    }))
    batch = []
  }
  await walk(dir, async entry => {
    const kind = kindOf(entry.name)
    onEntry(entry, kind)
    if (kind) batch.push({ ...entry, kind })
    if (batch.length === BATCH_SIZE) await rankBatch()
    return false
  })
  await rankBatch()
}

/** Orders candidates: the one that is evicted first comes first. */
export function byRank ({ rank: a }: RankedCandidate, { rank: b }: RankedCandidate): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference) return difference
  }
  return 0
}
