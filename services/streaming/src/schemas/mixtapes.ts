import { Type, type Static } from 'typebox'
import { trackEntry } from './library.ts'

export const slugParams = Type.Object({ slug: Type.String({ pattern: '^[\\w.~-]{1,200}$' }) })

/** What everyone may see who knows the slug. A track that is not in the library any more has no size. */
export const mixtapeTracks = Type.Object({
  slug: Type.String(),
  title: Type.Optional(Type.String()),
  tracks: Type.Array(trackEntry)
})

export type MixtapeTracks = Static<typeof mixtapeTracks>
