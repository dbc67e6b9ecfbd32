import { realpath } from 'node:fs/promises'
import { basename, sep } from 'node:path'
import { DescriptorCache } from './descriptor-cache.ts'
import { mediaType } from './media-types.ts'
import { isUnavailable, type OpenFile } from './open-file.ts'
import type { Representation } from './representation.ts'

/** An audio file of the library that is open for reading. */
export interface Track extends Representation {
  readonly mtimeNs: bigint
  /** Relative to MUSIC_ROOT, with slashes. */
  readonly path: string
  /** File name with its extension. */
  readonly name: string
  /** Absolute path without symbolic links. It must not be sent to clients. */
  readonly realPath: string
  /** Size and mtime. A change of the content that keeps both is not noticed. */
  readonly version: string
}

/** The music library: MUSIC_ROOT, which is only ever read. */
export class Library {
  /** Absolute path of MUSIC_ROOT. */
  readonly root: string
  readonly #files: DescriptorCache<Track>

  constructor (root: string) {
    this.root = root
    this.#files = new DescriptorCache({
      resolve: async path => await this.#realPath(path),
      wrap: (file, path) => toTrack(file, path.slice(root.length + 1))
    })
  }

  /**
   * Opens a track. The caller must close() it.
   *
   * @param path relative to the root, with slashes, percent-decoded
   * @returns undefined for everything that is not a regular audio file inside the root; the reason is not told, because
   * clients must not learn what else exists
   */
  async open (path: string): Promise<Track | undefined> {
    return isTrackPath(path) ? await this.#files.open(`${this.root}/${path}`) : undefined
  }

  async #realPath (path: string): Promise<string | undefined> {
    try {
      const [root, real] = await Promise.all([realpath(this.root), realpath(path)])
      const prefix = root.endsWith(sep) ? root : root + sep
      if (real.startsWith(prefix) && isTrackPath(real.slice(prefix.length))) return real
    } catch (error) {
      if (!isUnavailable(error)) throw error
    }
  }
}

function toTrack (file: OpenFile, path: string): Track {
  return {
    path,
    name: basename(path),
    realPath: file.path,
    version: file.version,
    size: file.size,
    etag: file.etag,
    mtimeNs: file.mtimeNs,
    read: (buffer, length, position) => file.read(buffer, length, position),
    close: () => file.close()
  }
}

/** @returns whether a relative path can name a track: an audio extension, and no hidden, empty or dot segment */
export function isTrackPath (path: string): boolean {
  return mediaType(path) !== undefined && !path.includes('\0') &&
    !/(^|\/)([./]|$)/.test(path)
}
