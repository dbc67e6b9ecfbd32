import { setImmediate } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import type { Library } from '@mixtape/library'
import { plain } from './words.ts'

/** A tree is walked again after this time. Until then, each key that is typed into the filter finds it in memory. */
const KEEP_MS = 60_000

/** Trees that are kept. That of 100,000 tracks takes some 20 MB. */
const MAX_TREES = 2

/** A walk ends after this many folders and tracks. */
const MAX_ENTRIES = 200_000

/** Folders that are listed at a time, for all clients together. */
const CONCURRENCY = 4

/** Entries that are compared at a time: other requests come in between. */
const BATCH = 10_000

/** A folder or a track. */
interface Entry {
  /** Relative to the library. */
  path: string
  isFolder: boolean
  /** What the filter is compared with: the path below the folder that is searched, and the name, both in plain letters. */
  text: string
  name: string
}

/** Finds folders and tracks in all levels below a folder, by their names. */
export class TreeSearch {
  readonly #library: Library
  readonly #trees = new LRUCache<string, Promise<Entry[]>>({ max: MAX_TREES, ttl: KEEP_MS })
  readonly #limit = pLimit(CONCURRENCY)

  constructor (library: Library) {
    this.#library = library
  }

  /**
   * All words must be in the path below the folder, and one of them in the name itself. So `miles` finds the folder Miles
   * Davis, but not everything in it.
   *
   * @param words in plain letters
   * @returns paths in the order of the tree; what the folder itself contains is left out
   */
  async find (folder: string, words: string[]): Promise<{ folders: string[], tracks: string[] }> {
    const found = { folders: [] as string[], tracks: [] as string[] }
    const entries = await this.#entries(folder)
    for (let start = 0; start < entries.length; start += BATCH) {
      if (start > 0) await setImmediate()
      for (const { path, isFolder, text, name } of entries.slice(start, start + BATCH)) {
        if (!words.some(word => name.includes(word)) || !words.every(word => text.includes(word))) continue
        found[isFolder ? 'folders' : 'tracks'].push(path)
      }
    }
    return found
  }

  async #entries (folder: string): Promise<Entry[]> {
    const known = this.#trees.get(folder)
    if (known) return await known
    const tree = this.#walk(folder)
    this.#trees.set(folder, tree)
    try {
      return await tree
    } catch (error) {
      this.#trees.delete(folder)
      throw error
    }
  }

  async #walk (top: string): Promise<Entry[]> {
    const visited = new Set<string>()
    let count = 0
    const walk = async (path: string): Promise<Entry[]> => {
      const folder = count < MAX_ENTRIES ? await this.#limit(() => this.#library.list(path)) : undefined
      if (!folder || visited.has(folder.realPath)) return [] // symbolic links can lead in a circle
      visited.add(folder.realPath)
      count += folder.folders.length + folder.tracks.length
      const entry = (name: string, isFolder: boolean): Entry => {
        const entryPath = path ? `${path}/${name}` : name
        return { path: entryPath, isFolder, text: plain(top ? entryPath.slice(top.length + 1) : entryPath), name: plain(name) }
      }
      const below = await Promise.all(folder.folders.map(async name => await walk(path ? `${path}/${name}` : name)))
      const own = path === top ? [] : [...folder.folders.map(name => entry(name, true)), ...folder.tracks.map(name => entry(name, false))]
      return own.concat(...below)
    }
    return await walk(top)
  }
}
