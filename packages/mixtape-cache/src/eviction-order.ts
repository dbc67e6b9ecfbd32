import { cachedPaths } from '@mixtape/audio-cache'
import type { Candidate, RankCandidates } from '@mixtape/audio-cache/upkeep'
import type { MixtapeRegistry } from '@mixtape/mixtapes'
import { transcodeQualities } from '@mixtape/mp3'
import type { Plays } from '@mixtape/statistics'

/** The variables that decide. */
interface EvictionConfig {
  AUDIO_CACHE_EVICTION: 'lru' | 'age' | 'quality'
  /** Seconds. */
  AUDIO_CACHE_PROTECT: number
}

/**
 * Decides which cached files are evicted first (AUDIO_CACHE_EVICTION). With every setting, tracks of mixtapes go last,
 * and a file that was played within AUDIO_CACHE_PROTECT stays. With `quality`, covers go first, and medium goes last,
 * because it is the default of the player.
 *
 * @returns a function that ranks cached files; the lowest rank is evicted first
 */
export async function evictionOrder (
  { config, plays, mixtapes }: { config: EvictionConfig, plays: Plays, mixtapes: MixtapeRegistry }
): Promise<RankCandidates> {
  const ofMixtapes = new Set<string>()
  for await (const { tracks } of mixtapes.all()) {
    for (const path of tracks) {
      for (const quality of transcodeQualities) cachedPaths(path, quality).forEach(cached => ofMixtapes.add(cached))
    }
  }
  const leastPlayedFirst = (await plays.leastPlayedQualities(transcodeQualities)).filter(quality => quality !== 'medium')
  const qualityOrder: Candidate['kind'][] = ['cover', ...leastPlayedFirst, 'medium']
  const protectedSince = await plays.now() - config.AUDIO_CACHE_PROTECT * 1000

  return async candidates => {
    const lastPlayed = await plays.lastPlayed(candidates.map(({ path }) => path))
    return candidates.map(({ path, kind, mtimeMs }, index) => {
      const played = lastPlayed[index]
      if (played !== undefined && played >= protectedSince) return undefined
      const mixtapeRank = ofMixtapes.has(path) ? 1 : 0
      if (config.AUDIO_CACHE_EVICTION === 'age') return [mixtapeRank, mtimeMs]
      const qualityRank = config.AUDIO_CACHE_EVICTION === 'quality' ? qualityOrder.indexOf(kind) : 0
      return [mixtapeRank, qualityRank, played ?? mtimeMs]
    })
  }
}
