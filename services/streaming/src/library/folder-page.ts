import { basename } from 'node:path'
import type { Library } from '@mixtape/library'
import type { FolderPage, TrackEntry } from '../schemas/library.ts'
import type { TrackEntries } from './track-entries.ts'

/** A folder with at most this many tracks is taken for an album: the tags of all its tracks are read for every page. */
const MAX_ALBUM_TRACKS = 200

export interface PageOptions {
  offset: number
  limit: number
  /** Words that entries must contain, all of them. Empty for no filter. */
  filter: string
}

/**
 * Makes one page of a folder.
 *
 * An album is in the order of its discs and tracks, where all its tracks have a number, and its filter finds titles,
 * artists and albums too. A larger folder is in the order of its file names, and its filter finds file names only, because
 * reading the tags of thousands of files would take minutes.
 *
 * @param path relative to the library, without a slash at its end
 * @returns undefined where there is no such folder
 */
export async function folderPage (
  { library, trackEntries }: { library: Library, trackEntries: TrackEntries }, path: string, { offset, limit, filter }: PageOptions
): Promise<FolderPage | undefined> {
  const folder = await library.list(path)
  if (!folder) return undefined
  const pathOf = (name: string) => path ? `${path}/${name}` : name
  const matches = matcher(filter)
  const folders = folder.folders.filter(name => matches(name))

  const isAlbum = folder.tracks.length <= MAX_ALBUM_TRACKS
  const known = isAlbum ? inAlbumOrder(await trackEntries.findAll(folder.tracks.map(pathOf))) : []
  const tracks = isAlbum
    ? known.filter(({ name, title, artist, album }) => matches(name, title, artist, album)).map(({ path }) => path)
    : folder.tracks.filter(name => matches(name)).map(pathOf)

  const folderNames = folders.slice(offset, offset + limit)
  const skipped = Math.max(offset - folders.length, 0)
  const trackPaths = tracks.slice(skipped, skipped + limit - folderNames.length)
  const byPath = new Map(known.map(entry => [entry.path, entry]))
  const entries = isAlbum
    ? trackPaths.map(path => byPath.get(path) as TrackEntry)
    : await trackEntries.findAll(trackPaths)
  return {
    type: 'folder',
    name: basename(path),
    path,
    total: folders.length + tracks.length,
    folders: folders.length,
    offset,
    limit,
    entries: [...folderNames.map(name => ({ type: 'folder' as const, name, path: pathOf(name) })), ...entries]
  }
}

function inAlbumOrder (tracks: TrackEntry[]): TrackEntry[] {
  if (tracks.some(({ track }) => track === undefined)) return tracks
  const position = ({ disc = 1, track = 0 }: TrackEntry) => disc * 10_000 + track
  return tracks.toSorted((a, b) => position(a) - position(b))
}

/** @returns whether some texts contain all words of a filter; upper case and accents do not matter */
function matcher (filter: string): (...texts: (string | undefined)[]) => boolean {
  const words = plain(filter).split(/\s+/).filter(word => word)
  if (words.length === 0) return () => true
  return (...texts) => {
    const text = plain(texts.filter(text => text).join('\n'))
    return words.every(word => text.includes(word))
  }
}

function plain (text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}
