import { generationOf } from '../cached-paths.ts'
import { byRank, rankCandidates, type RankCandidates, type RankedCandidate } from './rank-candidates.ts'
import { noFiles, type CountsByKind } from './stats.ts'
import { removeIfUnchanged, type Removed } from './walk.ts'

/**
 * Evicts the lowest-ranked cached files whose sizes add up to the bytes needed, or none where they do not.
 *
 * It walks the directory once. In memory it holds the candidates of about twice the bytes needed, not of the whole cache.
 * A client that has an evicted file open can read it to its end.
 *
 * @param bytes needed
 * @param spare further bytes that are evicted where there are so many, so that not every new file needs a walk
 * @returns what was deleted, with the paths; and what is left in the cache, with the generations of the parts
 */
export async function evict (
  dir: string, bytes: number, rank: RankCandidates, spare = 0
): Promise<Removed & { paths: string[], byKind: CountsByKind, parts: string[] }> {
  const byKind = noFiles()
  const parts: string[] = []
  let victims: RankedCandidate[] = []
  let victimBytes = 0
  const wanted = bytes + spare

  /** Keeps the lowest-ranked victims whose sizes add up to the bytes wanted. */
  const keepLowest = () => {
    victims.sort(byRank)
    victimBytes = 0
    const last = victims.findIndex(({ entry }) => {
      victimBytes += entry.size
      return victimBytes >= wanted
    })
    if (last >= 0) victims = victims.slice(0, last + 1)
  }

  await rankCandidates(dir, rank, ranked => {
    victims.push(...ranked)
    for (const { entry } of ranked) victimBytes += entry.size
    if (victimBytes > 2 * wanted) keepLowest()
  }, ({ name, size }, kind) => {
    const generation = generationOf(name)
    if (generation) parts.push(generation)
    if (!kind) return
    byKind[kind].files++
    byKind[kind].bytes += size
  })
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
