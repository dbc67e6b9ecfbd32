import { Type } from 'typebox'
import { jobFields, time, timeOrNull } from './queue.ts'

/** The body of GET /admin/failed. */
export const failedSchema = Type.Object({
  jobs: Type.Array(Type.Object({
    ...jobFields,
    error: Type.String({ description: 'The words of ffmpeg, or of the worker' }),
    failed_at: time,
    attempts: Type.Integer()
  }), { description: 'Jobs that failed for good, the latest first' }),
  sources: Type.Array(Type.Object({
    path: Type.String(),
    error: Type.String(),
    since: timeOrNull,
    version: Type.String({ description: 'Of the source that failed, as GET /admin/tracks/<path> has it: another one is tried' })
  }), { description: 'Sources that are not enqueued again until the file changes or somebody retries them' })
}, {
  examples: [{
    jobs: [{
      path: 'jazz/so-what.flac', quality: 'low', reason: 'miss', error: 'Invalid data found when processing input', failed_at: '2026-11-25T17:00:00.000Z', attempts: 1
    }],
    sources: [{ path: 'jazz/so-what.flac', error: 'Invalid data found when processing input', since: '2026-11-25T17:00:00.000Z', version: '51273904-1793534400000000000' }]
  }]
})
