import { hash } from 'node:crypto'
import { isTrackPath, transcodeQualities, type TranscodeQuality } from '@mixtape/audio-cache'
import { Type, type Static } from 'typebox'
import { Errors } from 'typebox/schema'

const qualitySchema = Type.Unsafe<TranscodeQuality>(Type.String({ enum: transcodeQualities }))

/** One track at one quality, and why it is wanted. */
export const transcodeJobSchema = Type.Object({
  /** Relative to MUSIC_ROOT, with slashes. */
  path: Type.String({ minLength: 1, maxLength: 4096 }),
  quality: qualitySchema,
  reason: Type.Enum(['miss', 'mixtape', 'warm', 'nightly'])
}, { additionalProperties: false })

export type TranscodeJob = Static<typeof transcodeJobSchema>

/**
 * The queue's lanes, first to last (BullMQ: the lower the number, the sooner): a listener who waits overtakes whatever
 * nobody waits for.
 */
export const priorities: Record<TranscodeJob['reason'], number> = { miss: 1, mixtape: 2, warm: 3, nightly: 4 }

/**
 * Checks what came out of Redis, where anything could have been put.
 *
 * @throws naming the field that is wrong and what is allowed
 */
export function parseTranscodeJob (data: unknown): TranscodeJob {
  const [, [problem]] = Errors(transcodeJobSchema, data)
  if (problem) {
    const message = problem.keyword === 'boolean' ? 'is not a field of a job' : problem.message
    throw new TypeError(`Not a transcode job: ${problem.instancePath || 'data'} ${message}`)
  }
  const job = data as TranscodeJob
  if (!isTrackPath(job.path)) {
    throw new TypeError('Not a transcode job: /path must be the path of an audio file relative to MUSIC_ROOT')
  }
  return job
}

/** The same for every job on one track at one quality: hashed, since BullMQ refuses ids with a colon. */
export function deduplicationId ({ path, quality }: Pick<TranscodeJob, 'path' | 'quality'>): string {
  return hash('sha256', `${quality}\0${path}`)
}
