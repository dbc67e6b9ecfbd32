import { dirname, join } from 'node:path'
import type { PictureSource } from '@mixtape/audio-cache'
import { coverNames, embeddedPicture, type Library, type Track } from '@mixtape/library'
import { MAX_BYTES } from './render.ts'

/** A file that may contain a cover. */
export interface CoverSource extends PictureSource {
  /** @returns the picture; undefined where the file has none, or is gone */
  read (): Promise<Uint8Array | undefined>
}

/** Folders of folders that are searched for the cover of a folder, such as the albums of an artist. */
const MAX_SUBFOLDERS = 5

/** The files that may contain the cover of a track: the track itself, then the pictures of its folder. */
export async function * sourcesOfTrack (library: Library, track: Track): AsyncGenerator<CoverSource> {
  yield ofTrack(library, track)
  const parent = parentOf(track.path)
  const folder = await library.list(parent)
  yield * ofPictures(library, parent, folder?.pictures ?? [])
}

/**
 * The files that may contain the cover of a folder: its pictures, then its first track. For a folder without tracks, those
 * of its first folders.
 *
 * @param path relative to the library; the empty path is the library itself
 */
export async function * sourcesOfFolder (library: Library, path: string, isNested = false): AsyncGenerator<CoverSource> {
  const folder = await library.list(path)
  if (!folder) return
  yield * ofPictures(library, path, folder.pictures)
  const [first] = folder.tracks
  const track = first === undefined ? undefined : await library.open(join(path, first))
  if (track) {
    await track.close()
    yield ofTrack(library, track)
  } else if (!isNested) {
    for (const name of folder.folders.slice(0, MAX_SUBFOLDERS)) yield * sourcesOfFolder(library, join(path, name), true)
  }
}

function ofTrack (library: Library, { path, version }: Track): CoverSource {
  return {
    path,
    version,
    async read () {
      const track = await library.open(path)
      if (!track) return undefined
      try {
        return await embeddedPicture(track)
      } finally {
        await track.close()
      }
    }
  }
}

async function * ofPictures (library: Library, folder: string, names: string[]): AsyncGenerator<CoverSource> {
  for (const name of coverNames(names)) {
    const path = join(folder, name)
    const picture = await library.openPicture(path)
    if (!picture) continue
    await picture.close()
    if (picture.size > MAX_BYTES) continue
    yield {
      path,
      version: picture.version,
      async read () {
        const file = await library.openPicture(path)
        if (!file) return undefined
        try {
          return file.size > MAX_BYTES ? undefined : await file.head(file.size)
        } finally {
          await file.close()
        }
      }
    }
  }
}

function parentOf (path: string): string {
  const parent = dirname(path)
  return parent === '.' ? '' : parent
}
