import { generationOf, kindOf, type CachedKind } from '../cached-paths.ts'
import { noFiles, type CountsByKind } from './stats.ts'
import { removeIfUnchanged, walk, type Entry, type Removed } from './walk.ts'

/** A cached file that may be evicted. */
export interface Candidate extends Entry {
  kind: CachedKind
}

/** Compared number by number: the lowest rank is evicted first. Undefined for a file that must stay. */
export type Rank = number[] | undefined

/** Candidates that are ranked with one call, because ranking them asks Redis. */
const BATCH_SIZE = 1000

/**
 * Evicts the lowest-ranked cached files whose sizes add up to the bytes needed, or none where they do not.
 *
 * It walks the directory once. In memory it holds the candidates of about twice the bytes needed, not of the whole cache. A client that has an
 * evicted file open can read it to its end.
 *
 * @param bytes needed
 * @param rank ranks up to 1000 candidates; the result has one rank for each
 * @param spare further bytes that are evicted where there are so many, so that not every new file needs a walk
 * @returns what was deleted, with the paths; and what is left in the cache, with the generations of the parts
 */
export async function evict (
  dir: string, bytes: number, rank: (candidates: Candidate[]) => Promise<Rank[]>, spare = 0
): Promise<Removed & { paths: string[], byKind: CountsByKind, parts: string[] }> {
  const byKind = noFiles()
  const parts: string[] = []
  let victims: { rank: number[], entry: Candidate }[] = []
  let victimBytes = 0
  const wanted = bytes + spare
  let batch: Candidate[] = []

  const rankBatch = async () => {
    const ranks = await rank(batch)
    batch.forEach((entry, index) => {
      const entryRank = ranks[index]
      if (!entryRank) return
      victims.push({ rank: entryRank, entry })
      victimBytes += entry.size
    })
    batch = []
    if (victimBytes > 2 * wanted) keepLowest()
  }

  /** Keeps the lowest-ranked victims whose sizes add up to the bytes needed. */
  const keepLowest = () => {
    victims.sort((a, b) => compare(a.rank, b.rank))
    victimBytes = 0
    const last = victims.findIndex(({ entry }) => {
      victimBytes += entry.size
      return victimBytes >= wanted
    })
    if (last >= 0) victims = victims.slice(0, last + 1)
  }

  await walk(dir, async entry => {
    const generation = generationOf(entry.name)
    if (generation) parts.push(generation)
    const kind = kindOf(entry.name)
    if (!kind) return false
    byKind[kind].files++
    byKind[kind].bytes += entry.size
    batch.push({ ...entry, kind })
    if (batch.length === BATCH_SIZE) await rankBatch()
    return false
  })
  await rankBatch()
  keepLowest()
  if (victimBytes < bytes) victims = []

  const removed = { files: 0, bytes: 0, paths: [] as string[], byKind, parts }
  for (const { entry } of victims) {
    if (removed.bytes >= wanted) break
    if (!await removeIfUnchanged(dir, entry)) continue
    removed.files++
    removed.bytes += entry.size
    byKind[entry.kind].files--
    byKind[entry.kind].bytes -= entry.size
    removed.paths.push(entry.path)
  }
  return removed
}

/** Orders two ranks, the one that is evicted first before the other. */
export function compare (a: number[], b: number[]): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference) return difference
  }
  return 0
}
