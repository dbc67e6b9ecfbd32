import { access, constants, readdir, stat, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { cachedPaths, partPrefix } from './cached-name.ts'
import { extension, Library, type Track } from './library.ts'
import { growingFile, GrowingFile } from './growing-file.ts'
import { isNothingThere, openFile, type OpenFile, type Representation } from './open-file.ts'
import { OpenFiles } from './open-files.ts'
import { LEASE_MS, Part } from './part.ts'
import { etagOf, fileSize, isMadeFrom, PROFILE, provenanceOf, type Found } from './provenance.ts'
import { evict, type Candidate, type Rank } from './evict.ts'
import { sweepOrphans, type Sweep } from './orphans.ts'
import { clear, stats, sweepParts, type CacheStats, type Removed, type Selection } from './walk.ts'
import type { TranscodeQuality } from './qualities.ts'

export type Lookup =
  | { status: 'hit', file: Representation, path: string }
  | { status: 'miss', reason: 'absent' | 'stale' }

/** The directory of cached MP3s, shared by the streaming service and the workers. */
export class AudioCache {
  readonly dir: string
  readonly #library: Library
  readonly #transcodeExtensions: Set<string>
  readonly #files = new OpenFiles({ learn: cachedFile })
  #counting: Promise<CacheStats> | undefined

  constructor (dir: string, library: Library, transcodeExtensions: string[]) {
    this.dir = dir
    this.#library = library
    this.#transcodeExtensions = new Set(transcodeExtensions)
  }

  /** @returns whether a track is of a kind that is transcoded at all */
  shouldTranscode (path: string): boolean {
    return this.#transcodeExtensions.has(extension(path))
  }

  /** Looks for the MP3 made from a track as the track is now. The caller closes the file of a hit. */
  async find (track: Track, quality: TranscodeQuality): Promise<Lookup> {
    let reason: 'absent' | 'stale' = 'absent'
    const [byStem, byName] = cachedPaths(track.path, quality)
    for (const path of [byStem, byName]) {
      const file = await this.#files.open(`${this.dir}/${path}`)
      if (!file) continue
      const { provenance } = file
      let valid = false
      try {
        valid = provenance
          ? isMadeFrom(track, provenance) && file.size === fileSize(provenance, quality)
          : path === byStem && file.size > 0 && file.mtimeNs >= track.mtimeNs && !await this.#hasNamesake(track)
        if (valid) return { status: 'hit', file, path }
        if (!provenance || provenance.file === track.name) reason = 'stale'
      } finally {
        if (!valid) await file.close()
      }
    }
    return { status: 'miss', reason }
  }

  /**
   * Looks for the transcode that a worker is making of a track as the track is now. The caller closes what it gets.
   *
   * @returns 'begun' where the worker does not know yet how long it will be
   */
  async findGrowing (track: Track, quality: TranscodeQuality): Promise<GrowingFile | 'begun' | undefined> {
    const dir = join(this.dir, dirname(track.path))
    const prefix = partPrefix(track.path, quality)
    let begun = false
    for (const name of await readdir(dir).catch(noNames)) {
      if (!name.startsWith(prefix)) continue
      const file = await openFile(join(dir, name))
      if (!file) continue
      const alive = Date.now() - Number(file.mtimeNs / 1_000_000n) < LEASE_MS
      const growing = alive ? await growingFile(file, track, quality) : undefined
      if (growing instanceof GrowingFile) return growing
      await file.close()
      begun ||= growing === 'begun'
    }
    return begun ? 'begun' : undefined
  }

  /**
   * Begins a transcode.
   *
   * @param options.forListeners whether it is served while it grows
   */
  async createPart (track: Track, quality: TranscodeQuality, { forListeners = true } = {}): Promise<Part> {
    return await Part.create(this.dir, track, quality, forListeners)
  }

  /**
   * Gives a finished transcode its final name.
   *
   * @returns the path relative to the cache directory, and the bytes of the file that it replaced
   */
  async publish (part: Part): Promise<{ path: string, replaced: number }> {
    const [byStem, byName] = cachedPaths(part.path, part.quality)
    const path = await this.#isTaken(byStem, part.path) ? byName : byStem
    return { path, replaced: await part.publish(join(this.dir, path)) }
  }

  /** Counts the cached files and their bytes. Who asks while it is being counted gets that count. */
  async stats (): Promise<CacheStats> {
    this.#counting ??= stats(this.dir).finally(() => { this.#counting = undefined })
    return await this.#counting
  }

  /** Deletes cached files, never anything else, and the directories this empties. */
  async clear (selection?: Selection): Promise<Removed> {
    return await clear(this.dir, selection)
  }

  /** Deletes the parts of workers that died. */
  async sweepParts (): Promise<number> {
    return await sweepParts(this.dir)
  }

  /** Deletes what was made from a source that is gone or has changed, and directories that hold nothing. */
  async sweepOrphans (): Promise<Sweep> {
    return await sweepOrphans(this.dir, this.#library, PROFILE)
  }

  /** Deletes the cached files that rank lowest until at least `bytes` are free. */
  async evict (bytes: number, rank: (candidates: Candidate[]) => Promise<Rank[]>): ReturnType<typeof evict> {
    return await evict(this.dir, bytes, rank)
  }

  /** @returns bytes that the file system of the cache has left for us */
  async freeBytes (): Promise<number> {
    const { bavail, bsize } = await statfs(this.dir)
    return bavail * bsize
  }

  /** @throws where the directory is none, or can't be written */
  async checkWritable (): Promise<void> {
    if (!(await stat(this.dir)).isDirectory()) throw new Error('not a directory')
    await access(this.dir, constants.R_OK | constants.W_OK | constants.X_OK)
  }

  /** Whether the name belongs to the transcode of another source of the same stem that is still there. */
  async #isTaken (byStem: string, path: string): Promise<boolean> {
    const file = await openFile(join(this.dir, byStem))
    if (!file) return false
    const provenance = await provenanceOf(file).finally(() => file.close())
    if (!provenance || provenance.file === basename(path)) return false
    const owner = await this.#library.open(join(dirname(path), provenance.file))
    await owner?.close()
    return owner !== undefined
  }

  /** Whether another source of the same stem could as well be what an MP3 without provenance was made from. */
  async #hasNamesake (track: Track): Promise<boolean> {
    const stem = (name: string) => name.slice(0, name.length - extension(name).length)
    try {
      const names = await readdir(dirname(join(this.#library.root, track.path)))
      return names.some(name => name !== track.name && stem(name) === stem(track.name) && this.shouldTranscode(name))
    } catch (error) {
      if (isNothingThere(error)) return false
      throw error
    }
  }
}

interface CachedFile extends Representation {
  readonly mtimeNs: bigint
  /** Undefined for a file that another tool made. */
  readonly provenance: Found | undefined
}

/** A complete file, under the entity tag that it had while it was growing. */
async function cachedFile (file: OpenFile): Promise<CachedFile> {
  const provenance = await provenanceOf(file)
  return {
    size: file.size,
    etag: provenance ? etagOf(provenance) : file.etag,
    mtimeNs: file.mtimeNs,
    provenance,
    read: (buffer, length, position) => file.read(buffer, length, position),
    close: () => file.close()
  }
}

function noNames (error: unknown): string[] {
  if (isNothingThere(error)) return []
  throw error
}
