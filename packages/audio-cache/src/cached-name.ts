import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { transcodeQualities, type TranscodeQuality } from './qualities.ts'

/** Longest file name that common file systems take, in bytes. */
const NAME_MAX = 255

const CACHED_NAME = new RegExp(`^[^.].*_(${transcodeQualities.join('|')})\\.mp3$`, 's')
const PART_NAME = /^\.[0-9a-f]{16}\.[0-9a-f]{16}\.part$/

/**
 * The two places of a transcode, relative to the cache directory: by the stem of its source, and, where another
 * source of the same stem has taken that, by the full file name.
 */
export function cachedPaths (path: string, quality: TranscodeQuality): [string, string] {
  const name = path.lastIndexOf('/') + 1
  const dot = path.lastIndexOf('.')
  const stem = dot > name ? path.slice(name, dot) : path.slice(name)
  const ending = `_${quality}.mp3`
  return [path.slice(0, name) + fit(stem, ending), path.slice(0, name) + fit(path.slice(name), ending)]
}

/** Where a transcode grows, beside its final name: one name for each try, all with one beginning. */
export function partPath (path: string, quality: TranscodeQuality, generation: string): string {
  return join(dirname(path), `${partPrefix(path, quality)}${generation}.part`)
}

/** What the parts of one track at one quality begin with. */
export function partPrefix (path: string, quality: TranscodeQuality): string {
  return `.${hash(`${basename(path)}\0${quality}`)}.`
}

/** Where a transcode grows that nobody but its worker finds. */
export function hiddenPartPath (path: string, generation: string): string {
  return join(dirname(path), `.${generation}.${generation}.part`)
}

/** @returns undefined for a name that no cached file has */
export function qualityOf (name: string): TranscodeQuality | undefined {
  return CACHED_NAME.exec(name)?.[1] as TranscodeQuality | undefined
}

export function isPartName (name: string): boolean {
  return PART_NAME.test(name)
}

/** Cuts a name that its ending would make too long, and keeps it unique. */
function fit (name: string, ending: string): string {
  if (Buffer.byteLength(name + ending) <= NAME_MAX) return name + ending
  const mark = `~${hash(name)}${ending}`
  let cut = name
  while (Buffer.byteLength(cut + mark) > NAME_MAX) cut = [...cut].slice(0, -1).join('')
  return cut + mark
}

function hash (text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
