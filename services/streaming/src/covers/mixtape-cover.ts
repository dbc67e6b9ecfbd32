import { dirname } from 'node:path'
import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import sharp from 'sharp'
import type { Library } from '@mixtape/library'
import type { TrackEntry } from '../schemas/library.ts'
import { contentTag } from '../serving/content-tag.ts'
import type { Cover, Covers } from './covers.ts'
import { sourcesOfTrack } from './sources.ts'

/** Tracks of a mixtape that are looked at for its cover: their tags tell the albums. */
export const COVER_TRACKS = 30

/** Pixels of a side. */
const SIZE = 600

/** Mixtapes whose covers are drawn at a time. */
const limit = pLimit(1)

/** The covers that were drawn last, by entity tag. */
const drawn = new LRUCache<string, Promise<Buffer | undefined>>({ max: 100 })

/**
 * Makes the cover of a mixtape: a square JPEG with the cover of its first album, or those of its first four.
 *
 * @param tracks the first COVER_TRACKS of the mixtape
 * @returns undefined where none of them has a cover
 */
export async function mixtapeCover ({ library, covers }: { library: Library, covers: Covers }, tracks: TrackEntry[]): Promise<Cover | undefined> {
  const found = new Map<string, Cover>()
  for (const path of firstOfAlbums(tracks)) {
    const track = await library.open(path)
    await track?.close()
    const cover = track ? await covers.find(sourcesOfTrack(library, track), 512) : 'none'
    if (typeof cover === 'object') found.set(cover.etag, cover)
    if (found.size === 4) break
  }
  if (found.size === 0) return undefined
  const etag = contentTag([...found.keys()].join())
  return {
    etag,
    async bytes () {
      const picture = drawn.get(etag) ?? limit(async () => await draw([...found.values()]))
      drawn.set(etag, picture)
      picture.catch(() => drawn.delete(etag))
      return await picture
    }
  }
}

function firstOfAlbums (tracks: TrackEntry[]): Iterable<string> {
  const albums = new Map<string, string>()
  for (const { path, album = dirname(path) } of tracks) if (!albums.has(album)) albums.set(album, path)
  return albums.values()
}

async function draw (covers: Cover[]): Promise<Buffer | undefined> {
  const pictures = (await Promise.all(covers.map(async cover => await cover.bytes()))).filter(bytes => bytes !== undefined)
  const [a, b = a, c = b, d = a] = pictures
  if (!a) return undefined
  const places = pictures.length === 1 ? [a] : [a, b, c, d]
  const side = SIZE / Math.sqrt(places.length)
  const tiles = await Promise.all(places.map(async picture => await sharp(picture).resize(side, side, { fit: 'cover' }).toBuffer()))
  return await sharp({ create: { width: SIZE, height: SIZE, channels: 3, background: '#141210' } })
    .composite(tiles.map((input, i) => ({ input, left: i % 2 * side, top: Math.floor(i / 2) * side })))
    .jpeg({ quality: 85 })
    .toBuffer()
}
