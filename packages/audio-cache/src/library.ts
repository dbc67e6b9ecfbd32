import { realpath } from 'node:fs/promises'
import { basename, extname, sep } from 'node:path'
import { isNothingThere, type OpenFile, type Representation } from './open-file.ts'
import { OpenFiles } from './open-files.ts'

const AUDIO_EXTENSIONS = new Set([
  '.flac', '.wav', '.ogg', '.oga', '.opus', '.m4a', '.mp3', '.aac', '.aif', '.aiff', '.ape', '.wv', '.wma'
])

/** An original of the library that is open for reading. */
export interface Track extends Representation {
  readonly mtimeNs: bigint
  /** Relative to MUSIC_ROOT, with slashes. */
  readonly path: string
  /** File name with its extension. */
  readonly name: string
  /** Absolute path with every link resolved: the server's own business, never a listener's. */
  readonly realPath: string
  /** Changes whenever the source does: what a failure or a transcode was made from. */
  readonly version: string
}

/** The music library: read only, and nothing outside of it. */
export class Library {
  readonly root: string
  readonly #files: OpenFiles<Track>

  constructor (root: string) {
    this.root = root
    this.#files = new OpenFiles({
      resolve: async path => await this.#realPath(path),
      learn: (file, path) => trackOf(file, path.slice(root.length + 1))
    })
  }

  /**
   * Opens a track of the library.
   *
   * @param path relative to the root, with slashes, already percent-decoded
   * @returns undefined for everything that is not a regular audio file really inside the root: why is not said
   */
  async open (path: string): Promise<Track | undefined> {
    return isTrackPath(path) ? await this.#files.open(`${this.root}/${path}`) : undefined
  }

  async #realPath (path: string): Promise<string | undefined> {
    try {
      const [root, real] = await Promise.all([realpath(this.root), realpath(path)])
      const inside = root.endsWith(sep) ? root : root + sep
      if (real.startsWith(inside) && isTrackPath(real.slice(inside.length))) return real
    } catch (error) {
      if (!isNothingThere(error)) throw error
    }
  }
}

function trackOf (file: OpenFile, path: string): Track {
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

/** @returns whether a relative path could name a track: audio by its extension, no hidden, empty or dot segment */
export function isTrackPath (path: string): boolean {
  return AUDIO_EXTENSIONS.has(extension(path)) && !path.includes('\0') &&
    !/(^|\/)([./]|$)/.test(path)
}

/** @returns the extension in lower case, with its dot */
export function extension (path: string): string {
  return extname(path).toLowerCase()
}
