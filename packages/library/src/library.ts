import { basename, join } from 'node:path'
import { isPicturePath, isTrackPath } from '@mixtape/track-paths'
import { DescriptorCache } from './descriptor-cache.ts'
import { listFolder, type Folder } from './folder.ts'
import { openFile, type OpenFile } from './open-file.ts'
import { realPathInside } from './real-path.ts'
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
      resolve: async path => await realPathInside(this.root, path, isTrackPath),
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

  /**
   * Lists a folder: names only, so that it takes milliseconds for thousands of tracks.
   *
   * @param path relative to the root, with slashes; the empty path is the root
   * @returns undefined for everything that is not a folder inside the root
   */
  async list (path: string): Promise<Folder | undefined> {
    return await listFolder(this.root, path)
  }

  /**
   * Opens a picture. The caller must close() it.
   *
   * @param path relative to the root, with slashes
   * @returns undefined for everything that is not a picture file inside the root
   */
  async openPicture (path: string): Promise<OpenFile | undefined> {
    if (!isPicturePath(path)) return undefined
    const real = await realPathInside(this.root, join(this.root, path), isPicturePath)
    return real === undefined ? undefined : await openFile(real)
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
