import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { openFile } from '@mixtape/library'
import { privatePartPath, thumbnailPath, type PictureSource } from './cached-paths.ts'

/** The thumbnails of covers, which lie beside the cached MP3s of the same folder. */
export class Thumbnails {
  readonly #dir: string

  /** @param dir the cache directory */
  constructor (dir: string) {
    this.#dir = dir
  }

  /** @returns the bytes of a thumbnail that was made from the present version of its source; undefined where there is none */
  async find (source: PictureSource, pixels: number): Promise<Buffer | undefined> {
    const file = await openFile(join(this.#dir, thumbnailPath(source, pixels)))
    if (!file) return undefined
    try {
      const bytes = await file.head(file.size)
      return bytes.length > 0 && bytes.length === file.size ? bytes : undefined
    } finally {
      await file.close()
    }
  }

  /** Writes a thumbnail. It appears under its name when it is complete. */
  async add (source: PictureSource, pixels: number, bytes: Uint8Array): Promise<void> {
    const path = thumbnailPath(source, pixels)
    const part = join(this.#dir, privatePartPath(path, randomBytes(8).toString('hex')))
    await mkdir(dirname(part), { recursive: true })
    try {
      await writeFile(part, bytes, { flag: 'wx' })
      await rename(part, join(this.#dir, path))
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
  }
}
