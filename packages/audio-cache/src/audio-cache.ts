import { access, constants, readdir, rm, stat, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DescriptorCache, isUnavailable, openFile, type Library, type OpenFile, type Track } from '@mixtape/library'
import { blockBytes, type TranscodeQuality } from '@mixtape/mp3'
import { extension } from '@mixtape/track-paths'
import { cachedPaths, isPartName, partPrefix, segmentsPath } from './cached-paths.ts'
import { GrowingFile, type RequestSegment } from './growing-file.ts'
import { isLeased } from './leased-file.ts'
import { Part } from './part.ts'
import { audioStart, completeSize, entityTag, isMadeFrom, isOutdated, PROFILE, readProvenance, type StoredProvenance, type Transcode } from './provenance.ts'
import { Segments } from './segments.ts'

/**
 * The result of a look-up. The caller must close() the file of a hit. `path` is relative to the cache directory. An
 * outdated file was made by an older pipeline, and should be replaced.
 */
export type Lookup =
  | { status: 'hit', file: Transcode, path: string, isOutdated: boolean }
  | { status: 'miss', reason: 'absent' | 'stale' }

/** The directory of cached MP3s, which the streaming service and the workers share. */
export class AudioCache {
  /** Absolute path of the directory. */
  readonly dir: string
  readonly #library: Library
  readonly #transcodeExtensions: Set<string>
  readonly #files = new DescriptorCache({ wrap: cachedFile })

  /** @param transcodeExtensions of the sources that are transcoded, in lower case with the dot */
  constructor (dir: string, library: Library, transcodeExtensions: string[]) {
    this.dir = dir
    this.#library = library
    this.#transcodeExtensions = new Set(transcodeExtensions)
  }

  /** @returns whether tracks with this extension are transcoded at all */
  shouldTranscode (path: string): boolean {
    return this.#transcodeExtensions.has(extension(path))
  }

  /**
   * Looks for the MP3 that was made from the present version of a track. This decides what is a hit.
   *
   * A file with a provenance frame is a hit when the frame matches the track, and the size is that of the complete file.
   * A file without one, which another tool made, is a hit while it is not older than the track, and no other source has
   * the same stem.
   */
  async find (track: Track, quality: TranscodeQuality): Promise<Lookup> {
    let reason: 'absent' | 'stale' = 'absent'
    const [byStem, byName] = cachedPaths(track.path, quality)
    for (const path of [byStem, byName]) {
      const file = await this.#files.open(`${this.dir}/${path}`)
      if (!file) continue
      const { provenance } = file
      let isHit = false
      try {
        isHit = provenance
          ? isMadeFrom(track, provenance) && file.size === completeSize(provenance, quality)
          : path === byStem && file.size > 0 && file.mtimeNs >= track.mtimeNs && !await this.#hasNamesake(track)
        if (isHit) return { status: 'hit', file, path, isOutdated: provenance !== undefined && isOutdated(provenance) }
        if (!provenance || provenance.file === track.name) reason = 'stale'
      } finally {
        if (!isHit) await file.close()
      }
    }
    return { status: 'miss', reason }
  }

  /**
   * Looks for a part of the present version of a track that a worker is writing. The caller must close() a
   * GrowingFile.
   *
   * @param requestSegment asks for a segment for which a listener would wait too long otherwise
   * @returns 'headless' where a worker has started, but its part has no complete tag yet; undefined where there is none
   */
  async findGrowing (
    track: Track, quality: TranscodeQuality, requestSegment?: RequestSegment
  ): Promise<GrowingFile | 'headless' | undefined> {
    const segmentsOf = ({ samples }: StoredProvenance) => this.segments(track, quality, samples)
    let isHeadless = false
    for await (const { file, isDead } of this.#parts(track, quality)) {
      let growing
      try {
        growing = isDead ? undefined : await GrowingFile.of(file, track, quality, { segmentsOf, requestSegment })
        if (growing instanceof GrowingFile) return growing
      } finally {
        if (!(growing instanceof GrowingFile)) await file.close()
      }
      isHeadless ||= growing === 'headless'
    }
    return isHeadless ? 'headless' : undefined
  }

  /**
   * What encoders that start in the middle of a track write, beside its part.
   *
   * @param samples per channel at 44.1 kHz
   */
  segments ({ path, version }: Track, quality: TranscodeQuality, samples: number): Segments {
    const dir = segmentsPath(path, quality, { version, samples, profile: PROFILE })
    return new Segments(this.dir, dir, blockBytes(quality))
  }

  /**
   * Creates the part of a transcode.
   *
   * @param options.findable whether findGrowing() may find the part
   */
  async createPart (track: Track, quality: TranscodeQuality, { findable }: { findable: boolean }): Promise<Part> {
    return await Part.create(this.dir, track, quality, findable)
  }

  /**
   * Deletes the parts of a track that workers which died have left. What one has of the same transcode is copied first.
   *
   * @param part that was just started
   * @param samples per channel at 44.1 kHz
   */
  async takeOverDeadParts (part: Part, track: Track, samples: number): Promise<void> {
    for await (const { file, isDead } of this.#parts(track, part.quality)) {
      try {
        if (!isDead) continue
        const provenance = await readProvenance(file)
        const isSame = provenance && isMadeFrom(track, provenance) && provenance.profile === PROFILE && provenance.samples === samples
        if (isSame) await part.takeOverDead(file, audioStart(provenance, part.quality))
        await rm(file.path, { force: true })
      } finally {
        await file.close()
      }
    }
  }

  /**
   * Gives a complete part its final name.
   *
   * @returns the path relative to the cache directory, and the bytes of the file that it replaced
   * @throws where the part does not have exactly the bytes it should have
   */
  async publish (part: Part): Promise<{ path: string, replacedBytes: number }> {
    const [byStem, byName] = cachedPaths(part.path, part.quality)
    const path = await this.#isTaken(byStem, part.path) ? byName : byStem
    return { path, replacedBytes: await part.complete(join(this.dir, path)) }
  }

  /** @returns the bytes that this process may still write to the file system of the cache */
  async freeBytes (): Promise<number> {
    const { bavail, bsize } = await statfs(this.dir)
    return bavail * bsize
  }

  /** @throws where the directory does not exist, or cannot be written */
  async checkWritable (): Promise<void> {
    if (!(await stat(this.dir)).isDirectory()) throw new Error('not a directory')
    await access(this.dir, constants.R_OK | constants.W_OK | constants.X_OK)
  }

  /** Opens the parts of a track that look-ups can find. The caller must close() each file. */
  async * #parts (track: Track, quality: TranscodeQuality): AsyncGenerator<{ file: OpenFile, isDead: boolean }> {
    const dir = join(this.dir, dirname(track.path))
    const prefix = partPrefix(track.path, quality)
    for (const name of await readdir(dir).catch(noNames)) {
      if (!name.startsWith(prefix) || !isPartName(name)) continue
      const file = await openFile(join(dir, name))
      if (file) yield { file, isDead: !await isLeased(this.dir, Number(file.mtimeNs / 1_000_000n)) }
    }
  }

  /** Whether the path belongs to the transcode of another source with the same stem, which still exists. */
  async #isTaken (byStem: string, path: string): Promise<boolean> {
    const file = await openFile(join(this.dir, byStem))
    if (!file) return false
    const provenance = await readProvenance(file).finally(() => file.close())
    if (!provenance || provenance.file === basename(path)) return false
    const owner = await this.#library.open(join(dirname(path), provenance.file))
    await owner?.close()
    return owner !== undefined
  }

  /** Whether an MP3 without provenance could have been made from another source with the same stem. */
  async #hasNamesake (track: Track): Promise<boolean> {
    const stem = (name: string) => name.slice(0, name.length - extension(name).length)
    try {
      const names = await readdir(dirname(join(this.#library.root, track.path)))
      return names.some(name => name !== track.name && stem(name) === stem(track.name) && this.shouldTranscode(name))
    } catch (error) {
      if (isUnavailable(error)) return false
      throw error
    }
  }
}

interface CachedFile extends Transcode {
  readonly mtimeNs: bigint
}

/** A complete file keeps the entity tag that it had while it was growing. */
async function cachedFile (file: OpenFile): Promise<CachedFile> {
  const provenance = await readProvenance(file)
  return {
    size: file.size,
    etag: provenance ? entityTag(provenance) : file.etag,
    mtimeNs: file.mtimeNs,
    provenance,
    read: (buffer, length, position) => file.read(buffer, length, position),
    close: () => file.close()
  }
}

function noNames (error: unknown): string[] {
  if (isUnavailable(error)) return []
  throw error
}
