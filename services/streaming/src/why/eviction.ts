import type { FastifyInstance } from 'fastify'
import type { InspectedFile } from '@mixtape/audio-cache'

const DAY_MS = 24 * 3600 * 1000

/**
 * Says in words which rule would take a cached file, and when. evictionOrder() of packages/mixtape-cache decides.
 *
 * @param lastPlayed in milliseconds since 1970; undefined for never
 * @param isOfMixtape whether its track is in a mixtape; undefined where Redis is away
 */
export function evictionRule (
  { config }: FastifyInstance, { cachedAt }: InspectedFile, lastPlayed: number | undefined, isOfMixtape: boolean | undefined
): string {
  const { AUDIO_CACHE_EVICTION: order, AUDIO_CACHE_PROTECT: protectS, AUDIO_CACHE_MAX_AGE_DAYS: maxAgeDays } = config
  const sentences = []
  const protectedUntil = lastPlayed === undefined ? 0 : lastPlayed + protectS * 1000
  if (protectedUntil > Date.now()) {
    sentences.push(`It stays until ${iso(protectedUntil)}, because it was played (AUDIO_CACHE_PROTECT=${protectS}).`)
  }
  const usedAt = lastPlayed === undefined ? `cached ${iso(cachedAt)} and never played` : `last played ${iso(lastPlayed)}`
  sentences.push({
    lru: `When space is needed, files that were played longer ago go first; this one was ${usedAt}.`,
    age: `When space is needed, files that were cached earlier go first; this one was cached ${iso(cachedAt)}.`,
    quality: `When space is needed, covers go first, then the least popular quality, and medium last; within a quality, what was played longest ago. This one was ${usedAt}.`
  }[order])
  if (isOfMixtape) sentences.push('It is of a mixtape, and goes after all files that are of none.')
  if (maxAgeDays !== undefined) {
    const end = cachedAt + maxAgeDays * DAY_MS
    sentences.push(`The first nightly run after ${iso(end)} deletes it (AUDIO_CACHE_MAX_AGE_DAYS=${maxAgeDays}).`)
  }
  return sentences.join(' ')
}

function iso (ms: number): string {
  return new Date(ms).toISOString()
}
