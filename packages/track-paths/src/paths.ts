import { extension, mediaType } from './media-types.ts'

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

/** @returns a path, percent-encoded for a URL; its slashes stay. One with half of a surrogate pair has no URL that leads to it */
export function encodePath (path: string): string {
  return path.toWellFormed().split('/').map(encodeURIComponent).join('/')
}

function isVisiblePath (path: string): boolean {
  return path.isWellFormed() && !path.includes('\0') && !/(^|\/)([./]|$)/.test(path)
}
