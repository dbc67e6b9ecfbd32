import { qualities, type Quality } from '@mixtape/mp3'

/** What a URL below /hls asks for. `path` is that of the track, relative to MUSIC_ROOT. */
export type HlsTarget =
  | { type: 'master', path: string }
  | { type: 'level', path: string, level: Quality }
  | { type: 'segment', path: string, level: Quality, generation: string, segment: number }

const LEVEL = `(?<level>${qualities.join('|')})`
const PLAYLIST = /^(?<path>.+)\.m3u8$/s
const LEVEL_PLAYLIST = new RegExp(`^(?<path>.+)/${LEVEL}\\.m3u8$`, 's')
const SEGMENT = new RegExp(`^(?<path>.+)/${LEVEL}/(?<generation>[\\w-]+)/(?<segment>0|[1-9]\\d{0,8})\\.mp3$`, 's')

/**
 * Parses `<path>.m3u8`, `<path>/<level>.m3u8` and `<path>/<level>/<generation>/<segment>.mp3`. The second is never the
 * first of another track, because every track has an extension.
 *
 * @param path after /hls/, percent-decoded
 */
export function parseHlsTarget (path: string): HlsTarget | undefined {
  const { level, generation = '', segment, path: track = '' } =
    (SEGMENT.exec(path) ?? LEVEL_PLAYLIST.exec(path) ?? PLAYLIST.exec(path))?.groups ?? {}
  if (!track) return undefined
  if (!level) return { type: 'master', path: track }
  if (!segment) return { type: 'level', path: track, level: level as Quality }
  return { type: 'segment', path: track, level: level as Quality, generation, segment: Number(segment) }
}
