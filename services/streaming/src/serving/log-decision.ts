import type { FastifyRequest } from 'fastify'
import type { Track } from '@mixtape/library'
import type { Quality } from '@mixtape/mp3'
import type { Decision } from './decision.ts'

/** One line for each decision, in the words of the original Python application, by which operators count hits. */
export function logDecision ({ log }: FastifyRequest, track: Track, quality: Quality, { outcome }: Decision): void {
  if (outcome === 'hit') log.info(`Cache hit: ${track.name} → ${quality} quality`)
  else if (outcome === 'live') log.info(`Cache miss: ${track.name} (${quality}) - serving the transcode while it is made`)
  else if (outcome === 'miss') log.warn(`Cache miss: ${track.name} (${quality}) - serving original`)
  else log.debug(`Serving original: ${track.name}`)
}
