import { realpath } from 'node:fs/promises'
import { sep } from 'node:path'
import { extension, mediaType } from './media-types.ts'
import { isUnavailable } from './open-file.ts'

/** Formats that every browser shows, apart from SVG, which can contain scripts. */
const PICTURE_EXTENSIONS = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.avif'])

/** @returns whether a relative path can name a track: an audio extension, and no hidden, empty or dot segment */
export function isTrackPath (path: string): boolean {
  return mediaType(path) !== undefined && isVisiblePath(path)
}

/** @returns whether a relative path can name a picture: an extension of a picture, and no hidden, empty or dot segment */
export function isPicturePath (path: string): boolean {
  return PICTURE_EXTENSIONS.has(extension(path)) && isVisiblePath(path)
}

/** @returns whether a relative path can name a folder of the library; the empty path is the library itself */
export function isFolderPath (path: string): boolean {
  return path === '' || isVisiblePath(path)
}

function isVisiblePath (path: string): boolean {
  return !path.includes('\0') && !/(^|\/)([./]|$)/.test(path)
}

/**
 * Resolves symbolic links.
 *
 * @param root absolute path of the library
 * @param path absolute
 * @param isAllowed decides on the resolved path relative to the root
 * @returns the absolute path without links; undefined where it leads out of the root, or nothing is there
 */
export async function realPathInside (
  root: string, path: string, isAllowed: (relativePath: string) => boolean
): Promise<string | undefined> {
  try {
    const [realRoot, real] = await Promise.all([realpath(root), realpath(path)])
    const prefix = realRoot.endsWith(sep) ? realRoot : realRoot + sep
    const relativePath = real === realRoot ? '' : real.slice(prefix.length)
    if ((real === realRoot || real.startsWith(prefix)) && isAllowed(relativePath)) return real
  } catch (error) {
    if (!isUnavailable(error)) throw error
  }
}
