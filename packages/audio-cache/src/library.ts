import { realpath } from 'node:fs/promises'
import { basename, extname, join, sep } from 'node:path'
import { isNothingThere, type Representation } from './open-file.ts'
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
  readonly #files = new OpenFiles()

  constructor (root: string) {
    this.root = root
  }

  /**
   * Opens a track of the library.
   *
   * @param path relative to the root, with slashes, already percent-decoded
   * @returns undefined for everything that is not a regular audio file really inside the root: why is not said
   */
  async open (path: string): Promise<Track | undefined> {
    if (!isTrackPath(path)) return undefined
    const file = await this.#files.open(`${this.root}/${path}`, async () => await this.#realPath(path))
    return file && {
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

  async #realPath (path: string): Promise<string | undefined> {
    try {
      const [root, real] = await Promise.all([realpath(this.root), realpath(join(this.root, path))])
      const inside = root.endsWith(sep) ? root : root + sep
      if (real.startsWith(inside) && isTrackPath(real.slice(inside.length))) return real
    } catch (error) {
      if (!isNothingThere(error)) throw error
    }
  }
}

/** @returns whether a relative path could name a track: audio by its extension, no hidden, empty or dot segment */
export function isTrackPath (path: string): boolean {
  return AUDIO_EXTENSIONS.has(extension(path)) && !path.includes('\0') &&
    path.split('/').every(segment => segment !== '' && !segment.startsWith('.'))
}

/** @returns the extension in lower case, with its dot */
export function extension (path: string): string {
  return extname(path).toLowerCase()
}
