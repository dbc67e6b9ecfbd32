import { Type, type Static } from 'typebox'
import { transcodeQualities } from '@mixtape/mp3'
import { FOLDER_PAGE_EXAMPLE, trackEntry } from './library.ts'
import { time } from './queue.ts'
import { record } from './record.ts'

/** What the slug of a mixtape must be. */
export const SLUG_ALLOWED = 'must have 1 to 200 letters, digits, ., ~, _ or -, and be neither . nor ..'

export const slugParams = Type.Object({
  slug: Type.String({ pattern: '^(?!\\.{1,2}$)[\\w.~-]{1,200}$', description: 'Name of the mixtape in URLs', examples: ['summer'] })
})

/** Makes the schema errors of the routes of mixtapes, and says what a slug and a mixtape must be. */
export function mixtapeErrors ([error]: { instancePath: string, keyword: string }[]): Error {
  if (error?.instancePath === '/slug') return new Error(`slug ${SLUG_ALLOWED}`)
  if (error?.keyword === 'pattern') return new Error('The paths of tracks must be well-formed Unicode')
  return new Error('The body must be a mixtape such as {"title":"Summer","tracks":[{"file_path":"jazz/so-what.flac"}]}, ' +
    'with a title of at most 500 characters, and at most 1000 tracks')
}

/** JSON can have half of a surrogate pair, which no file name and no URL can. */
const trackPath = { maxLength: 4096, pattern: '^\\P{Surrogate}*$' }

const trackSchema = Type.Object({
  file_path: Type.Optional(Type.String({ ...trackPath, description: 'Relative to the library' })),
  path: Type.Optional(Type.String({ ...trackPath, description: 'The same, by another name' }))
}, { anyOf: [{ required: ['file_path'] }, { required: ['path'] }] })

export const mixtapeSchema = Type.Object({
  title: Type.Optional(Type.String({ maxLength: 500 })),
  tracks: Type.Array(trackSchema, { maxItems: 1000 })
}, { examples: [{ title: 'Summer', tracks: [{ file_path: 'demo/first-light/01-dawn.flac' }] }] })

/** What precaching did. */
const precacheFields = {
  enqueued: Type.Integer({ description: 'New jobs: a track at three qualities makes three' }),
  cached: Type.Integer({ description: 'Transcodes that are cached already' }),
  not_transcodable: Type.Integer({ description: 'Tracks that are served unchanged at every quality' }),
  missing: Type.Array(Type.String(), { description: 'Paths that are not tracks of the library' })
}

/** The body of PUT /mixtapes/<slug>. */
export const savedSchema = Type.Object({
  slug: Type.String(),
  tracks: Type.Integer(),
  ...precacheFields,
  message: Type.Optional(Type.String({ description: 'Where nothing was enqueued, and why' }))
}, { examples: [{ slug: 'summer', tracks: 1, enqueued: 3, cached: 0, not_transcodable: 0, missing: [] }] })

/** The body of GET /mixtapes. */
export const mixtapesSchema = Type.Object({
  mixtapes: Type.Array(Type.Object({
    slug: Type.String(),
    title: Type.Optional(Type.String()),
    total: Type.Integer({ description: 'Tracks' }),
    origin: Type.String({ enum: ['api', 'folder'] })
  }))
}, { examples: [{ mixtapes: [{ slug: 'summer', title: 'Summer', total: 1, origin: 'api' }] }] })

const readiness = Type.Object({
  state: Type.String({ enum: ['cached', 'queued', 'transcoding', 'failed', 'not_needed', 'missing', 'absent'] }),
  percent: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
  reason: Type.Optional(Type.String())
})

/** The body of GET /mixtapes/<slug>. */
export const readinessSchema = Type.Object({
  slug: Type.String(),
  title: Type.Optional(Type.String()),
  total: Type.Integer(),
  ready: record(transcodeQualities, Type.Integer()),
  tracks: Type.Array(Type.Object({ file_path: Type.String(), qualities: record(transcodeQualities, readiness) }))
}, {
  examples: [{
    slug: 'summer',
    title: 'Summer',
    total: 1,
    ready: { high: 0, medium: 0, low: 1 },
    tracks: [{
      file_path: 'demo/first-light/01-dawn.flac',
      qualities: { high: { state: 'queued' }, medium: { state: 'transcoding', percent: 40 }, low: { state: 'cached' } }
    }]
  }]
})

/** The data of each event of GET /mixtapes/<slug>/events. */
export const progressSchema = Type.Object({
  task_id: Type.String(),
  step: Type.Literal('caching'),
  status: Type.String({ enum: ['in_progress', 'completed', 'failed'] }),
  message: Type.String(),
  current: Type.Integer({ description: 'Tracks that are settled at all wanted qualities' }),
  total: Type.Integer(),
  timestamp: time,
  ready: record(transcodeQualities, Type.Integer())
}, {
  examples: [{
    task_id: 'summer',
    step: 'caching',
    status: 'in_progress',
    message: '0 of 1 tracks ready',
    current: 0,
    total: 1,
    timestamp: '2026-11-25T17:00:00.000Z',
    ready: { high: 0, medium: 0, low: 1 }
  }]
})

/** What everyone may see who knows the slug. A track that is not in the library any more has no size. */
export const mixtapeTracks = Type.Object({
  slug: Type.String(),
  title: Type.Optional(Type.String()),
  tracks: Type.Array(trackEntry)
}, { examples: [{ slug: 'summer', title: 'Summer', tracks: FOLDER_PAGE_EXAMPLE.entries }] })

export type MixtapeTracks = Static<typeof mixtapeTracks>
