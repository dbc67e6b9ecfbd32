import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isFolderPath, isPicturePath, isTrackPath } from '@mixtape/track-paths'
import { ignoreUnavailable } from './open-file.ts'
import { realPathInside } from './real-path.ts'

/** What a folder of the library contains: file names in natural order (track 2 comes before track 10). */
export interface Folder {
  folders: string[]
  tracks: string[]
  /** Pictures of which one may be the cover. */
  pictures: string[]
  /** Absolute path without symbolic links. It must not be sent to clients. */
  realPath: string
}

/** The same order on every machine: the default locale may differ between replicas. */
const { compare } = new Intl.Collator('en', { numeric: true })

/**
 * Lists a folder. Hidden files and files of other kinds are left out, and so are names that are not UTF-8, and links that lead out
 * of the library or to a folder above.
 *
 * @param root absolute path of the library
 * @param path relative to the root, with slashes; the empty path is the root
 * @returns undefined where there is no such folder
 */
export async function listFolder (root: string, path: string): Promise<Folder | undefined> {
  if (!isFolderPath(path)) return undefined
  const dir = await realPathInside(root, join(root, path), isFolderPath)
  if (dir === undefined) return undefined
  const folder: Folder = { folders: [], tracks: [], pictures: [], realPath: dir }
  const add = (name: string, kind: Pick<Dirent, 'isDirectory' | 'isFile'>) => {
    if (name.includes('\ufffd')) return // it is not UTF-8, so no URL leads to it
    if (kind.isDirectory() && isFolderPath(name)) folder.folders.push(name)
    else if (kind.isFile() && isTrackPath(name)) folder.tracks.push(name)
    else if (kind.isFile() && isPicturePath(name)) folder.pictures.push(name)
  }
  try {
    const links: string[] = []
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      if (entry.isSymbolicLink()) links.push(entry.name)
      else add(entry.name, entry)
    }
    for (const name of links) {
      const target = await realPathInside(root, join(dir, name), isFolderPath)
      if (target !== undefined && `${dir}/`.startsWith(`${target}/`)) continue // to a folder above: without end
      const kind = target === undefined ? undefined : await stat(target).catch(ignoreUnavailable)
      if (kind) add(name, kind)
    }
  } catch (error) {
    return ignoreUnavailable(error) // not a folder, or it may not be read
  }
  for (const names of [folder.folders, folder.tracks, folder.pictures]) names.sort(compare)
  return folder
}
