import { hash, randomUUID } from 'node:crypto'
import { transcodeQualities, type TranscodeQuality } from '@mixtape/mp3'
import { isTrackPath } from '@mixtape/track-paths'
import { Type, type Static } from 'typebox'
import { Errors } from 'typebox/schema'

const qualitySchema = Type.Unsafe<TranscodeQuality>(Type.String({ enum: transcodeQualities }))

const transcodeJobSchema = Type.Object({
  path: Type.String({ minLength: 1, maxLength: 4096 }),
  quality: qualitySchema,
  reason: Type.Enum(['miss', 'mixtape', 'warm', 'nightly']),
  blocks: Type.Optional(Type.Object({
    first: Type.Integer({ minimum: 1 }),
    end: Type.Integer({ minimum: 2 })
  }, { additionalProperties: false })),
  requestId: Type.Optional(Type.String({ pattern: '^[\\w.-]{1,64}$' })),
  traceparent: Type.Optional(Type.String({ pattern: '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' }))
}, { additionalProperties: false })

/**
 * Data of a job: one track at one quality. `path` is relative to MUSIC_ROOT, with slashes. `reason` says why it is
 * transcoded: a listener missed it, a mixtape was saved, it is played often, or the nightly run found it missing.
 *
 * A job with `blocks` helps another job that is running: it makes a segment from one block of 49 frames to another. Only
 * the two services enqueue such jobs.
 *
 * `requestId` is that of the request that missed the track, for log lines, and `traceparent` its span (W3C Trace Context).
 * Workers before version 0.8 would refuse them, and never see them: their jobs have other keys (migrate-keys.ts).
 */
export type TranscodeJob = Static<typeof transcodeJobSchema>

/**
 * Checks the data of a job, because anybody can write to Redis.
 *
 * @throws {TypeError} which names the wrong field and what is allowed
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

/**
 * The deduplication id of all jobs for one track at one quality, or for one segment of it. It is a hash, because BullMQ
 * forbids colons in ids.
 */
export function deduplicationId ({ path, quality, blocks }: Pick<TranscodeJob, 'path' | 'quality' | 'blocks'>): string {
  return hash('sha256', blocks ? `${quality}\0${path}\0${blocks.first}` : `${quality}\0${path}`)
}

/** @returns a job id that is unique, and from which the deduplication id can be read */
export function newJobId (deduplicationId: string): string {
  return `${deduplicationId}-${randomUUID()}`
}

/** @param jobId from newJobId() */
export function deduplicationIdOf (jobId: string): string {
  return jobId.slice(0, jobId.indexOf('-'))
}
