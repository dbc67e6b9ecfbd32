import { parseFile, selectCover } from 'music-metadata'
import type { Track } from './library.ts'

/** Names of the picture of a folder without their extensions, the best first. */
const COVER_NAMES = ['cover', 'folder', 'front']

/** @returns which of the pictures of a folder are its cover, the best first */
export function coverNames (pictures: string[]): string[] {
  const rank = (name: string) => COVER_NAMES.indexOf(name.slice(0, name.lastIndexOf('.')).toLowerCase())
  return pictures.filter(name => rank(name) >= 0).sort((a, b) => rank(a) - rank(b))
}

/** @returns the picture in the tags of a track, of whatever format; undefined where it has none, or its tags are broken */
export async function embeddedPicture (track: Track): Promise<Uint8Array | undefined> {
  try {
    const { common: { picture } } = await parseFile(track.realPath, { duration: false })
    return selectCover(picture)?.data
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error // a fault of the disk, not of the file
  }
}
