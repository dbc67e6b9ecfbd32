import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { transcodeQualities, type TranscodeQuality } from '@mixtape/mp3'
import { isTrackPath } from '@mixtape/track-paths'
import type { Provenance } from './provenance.ts'

/** Longest file name that common file systems accept, in bytes. */
const NAME_MAX = 255

const CACHED_NAME = new RegExp(`^[^.].*_(${transcodeQualities.join('|')})\\.mp3$`, 's')
const THUMBNAIL_NAME = /^([^.].*)(_(\d+-\d+)_\d+\.webp)$/s
const SHORTENED_NAME = /~[0-9a-f]{16}$/
const PART_NAME = /^\.([0-9a-f]{16})\.([0-9a-f]{16})\.part$/
const SEGMENT_PATH = /(^|\/)\.[0-9a-f]{16}\.[0-9a-f]{16}\.segments\/[^/]+$/

/**
 * The two possible paths of a transcode, relative to the cache directory.
 *
 * @param path of the track, relative to MUSIC_ROOT
 * @returns first `<stem>_<quality>.mp3`; then `<file name>_<quality>.mp3`, which is used where another source of the
 * same stem has the first
 */
export function cachedPaths (path: string, quality: TranscodeQuality): [string, string] {
  const name = path.lastIndexOf('/') + 1
  const dot = path.lastIndexOf('.')
  const stem = dot > name ? path.slice(name, dot) : path.slice(name)
  const ending = `_${quality}.mp3`
  return [path.slice(0, name) + fit(stem, ending), path.slice(0, name) + fit(path.slice(name), ending)]
}

/** Path of a part that look-ups can find, beside its final name. Each attempt has its own `generation`. */
export function partPath (path: string, quality: TranscodeQuality, generation: string): string {
  return join(dirname(path), `${partPrefix(path, quality)}${generation}.part`)
}

/** The first characters of the file names of all parts of one track at one quality. */
export function partPrefix (path: string, quality: TranscodeQuality): string {
  return `.${hash(`${basename(path)}\0${quality}`)}.`
}

/** Path of a part that no look-up finds, beside the final name of `path`. */
export function privatePartPath (path: string, generation: string): string {
  return join(dirname(path), `.${generation}.${generation}.part`)
}

/**
 * Path of the directory of a transcode's segments, beside its final name. It depends on what the transcode is made from,
 * and not on its generation.
 */
export function segmentsPath (
  path: string, quality: TranscodeQuality, { version, samples, profile }: Pick<Provenance, 'version' | 'samples' | 'profile'>
): string {
  const content = hash(`${version}\0${samples}\0${profile}`)
  return join(dirname(path), `${partPrefix(path, quality)}${content}.segments`)
}

/** @returns the quality of a cached file by its name; undefined for every other file */
export function qualityOf (name: string): TranscodeQuality | undefined {
  return CACHED_NAME.exec(name)?.[1] as TranscodeQuality | undefined
}

/** What a cached file is: a transcode at a quality, or the thumbnail of a cover. */
export type CachedKind = TranscodeQuality | 'cover'

/** @returns what a cached file is by its name; undefined for every other file */
export function kindOf (name: string): CachedKind | undefined {
  return qualityOf(name) ?? (THUMBNAIL_NAME.test(name) ? 'cover' : undefined)
}

/** What a thumbnail is made from: a picture file, or a track with a picture in its tags. */
export interface PictureSource {
  /** Relative to MUSIC_ROOT. */
  path: string
  /** Size and mtime, as `Track.version` has them. */
  version: string
}

/** Path of a thumbnail, relative to the cache directory. A changed source has another path. */
export function thumbnailPath ({ path, version }: PictureSource, pixels: number): string {
  const name = path.lastIndexOf('/') + 1
  return path.slice(0, name) + fit(path.slice(name), `_${version}_${pixels}.webp`)
}

/**
 * @returns what a thumbnail was made from, by its path; undefined for every other file. A long name is shortened: then only
 * isThumbnailOf() tells the source
 */
export function thumbnailSource (path: string): PictureSource & { isShortened: boolean } | undefined {
  const name = path.lastIndexOf('/') + 1
  const [, source, , version] = THUMBNAIL_NAME.exec(path.slice(name)) ?? []
  if (source === undefined || version === undefined) return undefined
  return { path: path.slice(0, name) + source, version, isShortened: SHORTENED_NAME.test(source) }
}

/** @returns whether a cached file is a thumbnail of a track or a picture, in any version and size */
export function isThumbnailOf (path: string, cachedPath: string): boolean {
  const name = path.lastIndexOf('/') + 1
  const [, , ending] = THUMBNAIL_NAME.exec(cachedPath.slice(cachedPath.lastIndexOf('/') + 1)) ?? []
  return ending !== undefined && cachedPath === path.slice(0, name) + fit(path.slice(name), ending)
}

/**
 * @param path of a folder or a track, relative to MUSIC_ROOT
 * @returns a filter for the cached files of the track, or of everything below the folder
 */
export function belongsTo (path: string): (cachedPath: string) => boolean {
  const name = path.replace(/\/+$/, '')
  // The folder `Album` would have the names of `Album.flac` beside it.
  const ofTrack = new Set(isTrackPath(name) ? transcodeQualities.flatMap(quality => cachedPaths(name, quality)) : [])
  return cachedPath => ofTrack.has(cachedPath) || cachedPath.startsWith(`${name}/`) ||
    isThumbnailOf(name, cachedPath)
}

/** @returns whether a file name is that of a part */
export function isPartName (name: string): boolean {
  return PART_NAME.test(name)
}

/** @returns the generation of a part by its file name; undefined for every other file */
export function generationOf (name: string): string | undefined {
  return PART_NAME.exec(name)?.[2]
}

/** @returns whether a file name is that of a part that no look-up finds */
export function isPrivatePartName (name: string): boolean {
  const [, prefix, generation] = PART_NAME.exec(name) ?? []
  return prefix !== undefined && prefix === generation
}

/** @returns whether a path is that of a segment of a transcode */
export function isSegmentPath (path: string): boolean {
  return SEGMENT_PATH.test(path)
}

/** Shortens a name that would be too long with its ending, and adds a hash that keeps it unique. */
function fit (name: string, ending: string): string {
  if (Buffer.byteLength(name + ending) <= NAME_MAX) return name + ending
  const suffix = `~${hash(name)}${ending}`
  let cut = name
  while (Buffer.byteLength(cut + suffix) > NAME_MAX) cut = [...cut].slice(0, -1).join('')
  return cut + suffix
}

function hash (text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
