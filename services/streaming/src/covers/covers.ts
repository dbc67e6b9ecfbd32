import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import type { Thumbnails } from '@mixtape/audio-cache'
import { contentTag } from '../serving/content-tag.ts'
import { BrokenPictureError, renderThumbnail } from './render.ts'
import type { CoverSource } from './sources.ts'

/** Pictures that are decoded at a time. */
const CONCURRENCY = 2

/** Sources of which is remembered whether they have a picture, about 200 bytes each. */
const MAX_REMEMBERED = 20_000

/** What is known of a source. */
type Outcome = 'picture' | 'none' | 'broken'

/** A cover, and its strong entity tag with quotes. The bytes are made on demand; undefined where the picture is gone by then. */
export interface Cover {
  etag: string
  bytes: () => Promise<Buffer | undefined>
}

export interface CoversOptions {
  /** Where thumbnails are kept. */
  thumbnails: Thumbnails
  /** @returns whether the cache has room for this number of bytes */
  hasRoom: (bytes: number) => Promise<boolean>
  /** Called after a thumbnail was kept. */
  onKept: (bytes: number) => void
  /** Called when a thumbnail could not be kept. It is served all the same. */
  onError: (error: Error) => void
}

/** Finds covers and makes their thumbnails, each once. */
export class Covers {
  readonly #options: CoversOptions
  readonly #limit = pLimit(CONCURRENCY)
  readonly #outcomes = new LRUCache<string, Outcome>({ max: MAX_REMEMBERED })
  /** Thumbnails that are being made, by entity tag. */
  readonly #rendering = new Map<string, Promise<Buffer | undefined>>()

  constructor (options: CoversOptions) {
    this.#options = options
  }

  /**
   * Looks for the first source with a picture that can be shown.
   *
   * @returns 'none' where no source has a picture, 'broken' where some have, and none of them can be shown
   */
  async find (sources: AsyncIterable<CoverSource>, pixels: number): Promise<Cover | 'none' | 'broken'> {
    let failure: 'none' | 'broken' = 'none'
    for await (const source of sources) {
      const key = `${source.path}\0${source.version}`
      const etag = contentTag(`${key}\0${pixels}`)
      const isKnown = this.#outcomes.has(key)
      const made = isKnown ? undefined : await this.#thumbnail(source, pixels, key, etag)
      const outcome = this.#outcomes.get(key)
      if (outcome === 'picture') return { etag, bytes: async () => made ?? await this.#thumbnail(source, pixels, key, etag) }
      if (outcome === 'broken') failure = 'broken'
    }
    return failure
  }

  async #thumbnail (source: CoverSource, pixels: number, key: string, etag: string): Promise<Buffer | undefined> {
    const running = this.#rendering.get(etag)
    if (running) return await running
    const kept = await this.#options.thumbnails.find(source, pixels)
    if (kept) {
      this.#outcomes.set(key, 'picture')
      return kept
    }
    const rendering = this.#rendering.get(etag) ?? this.#limit(() => this.#render(source, pixels, key))
      .finally(() => this.#rendering.delete(etag))
    this.#rendering.set(etag, rendering)
    return await rendering
  }

  async #render (source: CoverSource, pixels: number, key: string): Promise<Buffer | undefined> {
    const picture = await source.read()
    if (!picture) {
      this.#outcomes.set(key, 'none')
      return undefined
    }
    try {
      const bytes = await renderThumbnail(picture, pixels)
      this.#outcomes.set(key, 'picture')
      await this.#keep(source, pixels, bytes)
      return bytes
    } catch (error) {
      if (!(error instanceof BrokenPictureError)) throw error
      this.#outcomes.set(key, 'broken')
    }
  }

  async #keep (source: CoverSource, pixels: number, bytes: Buffer): Promise<void> {
    const { thumbnails, hasRoom, onKept, onError } = this.#options
    try {
      if (!await hasRoom(bytes.length)) return
      await thumbnails.add(source, pixels, bytes)
      onKept(bytes.length)
    } catch (error) {
      onError(error as Error)
    }
  }
}
