import { LRUCache } from 'lru-cache'
import { parseFile, type IAudioMetadata } from 'music-metadata'
import pLimit from 'p-limit'
import type { Track } from './library.ts'
import { hasOneBitrate, walkFrames } from './mp3-frames.ts'
import { oggDuration } from './ogg-duration.ts'
import { isUnavailable } from './open-file.ts'

/** What the tags of a track say. A field that is missing or broken is absent. */
export interface TrackTags {
  title?: string
  artist?: string
  album?: string
  /** Numbers within the disc, and of the disc. */
  track?: number
  disc?: number
  /** In seconds. */
  duration?: number
}

/** About 300 bytes each. */
const MAX_REMEMBERED = 20_000

/** Files that are parsed at a time, so that a large folder leaves threads for the files that are being played. */
const CONCURRENCY = 4

/** Longer texts are cut. */
const MAX_LENGTH = 500

/** Reads tags, and remembers them until the track changes. */
export class TagReader {
  readonly #limit = pLimit(CONCURRENCY)
  readonly #remembered = new LRUCache<string, { version: string, tags: Promise<TrackTags> }>({ max: MAX_REMEMBERED })

  /** @param track open, and not to be closed before the result is there */
  async read (track: Track): Promise<TrackTags> {
    const { path, version } = track
    const known = this.#remembered.get(path)
    if (known?.version === version) return await known.tags.catch(noTags)
    const tags = this.#limit(() => readTags(track))
    const entry = { version, tags }
    this.#remembered.set(path, entry)
    try {
      return await tags
    } catch (error) {
      if (this.#remembered.peek(path) === entry) this.#remembered.delete(path)
      return noTags(error)
    }
  }
}

/** The tags of a file that was deleted meanwhile. @throws faults */
function noTags (error: unknown): TrackTags {
  if (isUnavailable(error)) return {}
  throw error
}

async function readTags (track: Track): Promise<TrackTags> {
  let metadata: IAudioMetadata
  try {
    metadata = await parseFile(track.realPath, { skipCovers: true, duration: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error // a fault of the disk, not of the file
    return {}
  }
  const { common: { title, artist, album, track: number, disk }, format } = metadata
  let { duration } = format
  if (format.container === 'Ogg') duration = await oggDuration(track, format.codec === 'Opus' ? 48_000 : format.sampleRate ?? 44_100)
  // music-metadata takes an MP3 for one of a constant bitrate where its first three frames are alike.
  const isGuess = format.container === 'MPEG' && (duration === undefined || format.codecProfile === 'CBR')
  if (isGuess && (duration === undefined || !await hasOneBitrate(track))) duration = await mp3Duration(track)
  const text = format.container === 'WAVE' ? (value: unknown) => cut(asUtf8(value)) : cut
  return {
    title: text(title),
    artist: text(artist),
    album: text(album),
    track: position(number.no),
    disc: position(disk.no),
    duration: duration !== undefined && Number.isFinite(duration) && duration > 0 ? duration : undefined
  }
}

/** Of an MP3 of a variable bitrate whose first frame does not state the length: only its frames tell. */
async function mp3Duration (track: Track): Promise<number | undefined> {
  const frames = await walkFrames(track)
  return frames && frames.count * frames.samplesPerFrame / frames.sampleRate
}

/** Texts of a RIFF INFO list are UTF-8 where ffmpeg and others wrote them. music-metadata takes all for Latin-1. */
function asUtf8 (value: unknown): unknown {
  if (typeof value !== 'string' || /[^\0-\xff]/.test(value)) return value
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'))
  } catch {
    return value
  }
}

function cut (value: unknown): string | undefined {
  return typeof value === 'string' ? value.trim().slice(0, MAX_LENGTH) || undefined : undefined
}

function position (value: number | null): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? value as number : undefined
}
