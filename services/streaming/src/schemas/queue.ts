import { Type } from 'typebox'
import { transcodeQualities } from '@mixtape/mp3'
import { lanes, type TranscodeJob } from '@mixtape/transcode-queue'

/** A time, as all routes give it. */
export const time = Type.String({ description: 'ISO 8601', examples: ['2026-11-25T17:00:00.000Z'] })
export const timeOrNull = Type.Union([time, Type.Null()])

export const lane = Type.String({
  enum: lanes, description: 'Jobs run in the order of the lanes: miss, mixtape, warm, nightly'
})

/** Fields of every job in an answer. */
export const jobFields = {
  path: Type.String({ description: 'Of the track, relative to the library' }),
  quality: Type.String({ enum: transcodeQualities }),
  reason: Type.String({ enum: lanes, description: 'Why it was enqueued' })
}

export const percent = Type.Number({ minimum: 0, maximum: 100 })

/** @returns an ISO time; null for undefined */
export function isoTime (ms: number): string
export function isoTime (ms: number | undefined): string | null
export function isoTime (ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}

/** @returns the fields of every job in an answer */
export function jobOf ({ path, quality, reason }: TranscodeJob) {
  return { path, quality, reason }
}
