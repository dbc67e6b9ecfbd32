import { Type, type Static } from 'typebox'
import { transcodeQualities } from '@mixtape/mp3'

/** Entries of a page, unless `limit` says otherwise. */
export const PAGE_SIZE = 100

export const folderQuery = Type.Object({
  offset: Type.Optional(Type.String({ pattern: '^\\d{1,7}$', description: 'Entries before the page', examples: ['0'] })),
  limit: Type.Optional(Type.String({ pattern: '^([1-9]\\d?|[1-4]\\d\\d|500)$', description: `Entries of the page, at most 500; ${PAGE_SIZE} by default`, examples: ['100'] })),
  filter: Type.Optional(Type.String({ maxLength: 200, description: 'Words that entries must contain', examples: ['dawn'] }))
}, { additionalProperties: false })

/** The path of a folder or a track in a URL. */
export const libraryPath = Type.Object({
  '*': Type.String({ description: 'Path of a folder or a track, relative to the library', examples: ['demo/first-light'] })
})

/** What each parameter must be, for error messages. */
export const FOLDER_QUERY_ALLOWED: Record<string, string> = {
  offset: 'must be a whole number, 0 or more, of at most 7 digits',
  limit: 'must be a whole number from 1 to 500',
  filter: 'must be given once, with at most 200 characters'
}

/** A track. What its tags do not say is absent. */
export const trackEntry = Type.Object({
  type: Type.Literal('track'),
  name: Type.String({ description: 'file name' }),
  path: Type.String({ description: 'relative to the library, as in /play/<path>' }),
  size: Type.Optional(Type.Integer({ description: 'bytes of the original; absent for a track that was deleted meanwhile' })),
  title: Type.Optional(Type.String()),
  artist: Type.Optional(Type.String()),
  album: Type.Optional(Type.String()),
  track: Type.Optional(Type.Integer()),
  disc: Type.Optional(Type.Integer()),
  duration: Type.Optional(Type.Number({ description: 'seconds' })),
  transcoded: Type.Boolean({ description: 'false: it is served unchanged at every quality' }),
  cached: Type.Array(Type.Enum(transcodeQualities), { description: 'qualities at which it plays without a miss' })
})

const folderEntry = Type.Object({
  type: Type.Literal('folder'),
  name: Type.String(),
  path: Type.String()
})

/** One page of a folder: first its folders, then its tracks. */
export const folderPage = Type.Object({
  type: Type.Literal('folder'),
  name: Type.String({ description: 'empty for the library itself' }),
  path: Type.String(),
  total: Type.Integer({ description: 'entries of all pages' }),
  folders: Type.Integer({ description: 'how many of them are folders' }),
  offset: Type.Integer(),
  limit: Type.Integer(),
  entries: Type.Array(Type.Union([folderEntry, trackEntry]))
})

export const FOLDER_PAGE_EXAMPLE: Static<typeof folderPage> = {
  type: 'folder',
  name: 'first-light',
  path: 'demo/first-light',
  total: 1,
  folders: 0,
  offset: 0,
  limit: 100,
  entries: [{
    type: 'track',
    name: '01-dawn.flac',
    path: 'demo/first-light/01-dawn.flac',
    size: 4_127_346,
    title: 'Dawn',
    artist: 'The Examples',
    track: 1,
    duration: 30,
    transcoded: true,
    cached: ['low']
  }]
}

export type TrackEntry = Static<typeof trackEntry>
export type FolderPage = Static<typeof folderPage>
