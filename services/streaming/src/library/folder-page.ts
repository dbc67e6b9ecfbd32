import { basename } from 'node:path'
import type { Library } from '@mixtape/library'
import type { FolderPage, TrackEntry } from '../schemas/library.ts'
import type { TrackEntries } from './track-entries.ts'
import type { TreeSearch } from './tree-search.ts'
import { containAll, wordsOf } from './words.ts'

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
 * reading the tags of thousands of files would take minutes. Of what is below the folder, a filter finds names of folders and
 * files.
 *
 * @param path relative to the library, without a slash at its end
 * @returns undefined where there is no such folder
 */
export async function folderPage (
  { library, trackEntries, treeSearch }: { library: Library, trackEntries: TrackEntries, treeSearch: TreeSearch },
  path: string, { offset, limit, filter }: PageOptions
): Promise<FolderPage | undefined> {
  const folder = await library.list(path)
  if (!folder) return undefined
  const pathOf = (name: string) => path ? `${path}/${name}` : name
  const words = wordsOf(filter)
  const below = words.length > 0 ? await treeSearch.find(path, words) : { folders: [], tracks: [] }
  const folders = [...folder.folders.filter(name => containAll(words, [name])).map(pathOf), ...below.folders]

  const isAlbum = folder.tracks.length <= MAX_ALBUM_TRACKS
  const known = isAlbum ? inAlbumOrder(await trackEntries.findAll(folder.tracks.map(pathOf))) : []
  const ownTracks = isAlbum
    ? known.filter(({ name, title, artist, album }) => containAll(words, [name, title, artist, album])).map(({ path }) => path)
    : folder.tracks.filter(name => containAll(words, [name])).map(pathOf)
  const tracks = [...ownTracks, ...below.tracks]

  const folderPaths = folders.slice(offset, offset + limit)
  const skipped = Math.max(offset - folders.length, 0)
  const trackPaths = tracks.slice(skipped, skipped + limit - folderPaths.length)
  const byPath = new Map(known.map(entry => [entry.path, entry]))
  for (const entry of await trackEntries.findAll(trackPaths.filter(path => !byPath.has(path)))) byPath.set(entry.path, entry)
  return {
    type: 'folder',
    name: basename(path),
    path,
    total: folders.length + tracks.length,
    folders: folders.length,
    offset,
    limit,
    entries: [
      ...folderPaths.map(path => ({ type: 'folder' as const, name: basename(path), path })),
      ...trackPaths.map(path => byPath.get(path) as TrackEntry)
    ]
  }
}

function inAlbumOrder (tracks: TrackEntry[]): TrackEntry[] {
  if (tracks.some(({ track }) => track === undefined)) return tracks
  const position = ({ disc = 1, track = 0 }: TrackEntry) => disc * 10_000 + track
  return tracks.toSorted((a, b) => position(a) - position(b))
}
