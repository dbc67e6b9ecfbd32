import pLimit from 'p-limit'
import { basename } from 'node:path'
import type { AudioCache } from '@mixtape/audio-cache'
import { TagReader, type Library } from '@mixtape/library'
import { transcodeQualities, type TranscodeQuality } from '@mixtape/mp3'
import type { TrackEntry } from '../schemas/library.ts'

/** Tracks that are looked up at a time, for all clients together. */
const CONCURRENCY = 8

/** Looks up what the library, the tags and the cache say about tracks. */
export class TrackEntries {
  readonly #library: Library
  readonly #cache: AudioCache | undefined
  readonly #tags = new TagReader()
  readonly #limit = pLimit(CONCURRENCY)

  /** @param cache undefined where caching is disabled */
  constructor (library: Library, cache: AudioCache | undefined) {
    this.#library = library
    this.#cache = cache
  }

  /** @returns undefined where there is no such track */
  async find (path: string): Promise<TrackEntry | undefined> {
    const track = await this.#library.open(path)
    if (!track) return undefined
    try {
      const transcoded = this.#cache?.shouldTranscode(path) ?? false
      const [tags, cached] = await Promise.all([
        this.#tags.read(track),
        Promise.all(transcodeQualities.map(async quality => {
          const found = transcoded ? await this.#cache?.find(track, quality) : undefined
          if (found?.status !== 'hit') return undefined
          await found.file.close()
          return quality
        }))
      ])
      return {
        type: 'track', name: track.name, path, size: track.size, ...tags, transcoded, cached: cached.filter(isQuality)
      }
    } finally {
      await track.close()
    }
  }

  /** @returns one entry for each path; for a track that is gone, one with its name only */
  async findAll (paths: string[]): Promise<TrackEntry[]> {
    return await Promise.all(paths.map(path => this.#limit(async () =>
      await this.find(path) ?? { type: 'track' as const, name: basename(path), path, transcoded: false, cached: [] }
    )))
  }
}

function isQuality (quality: TranscodeQuality | undefined): quality is TranscodeQuality {
  return quality !== undefined
}
