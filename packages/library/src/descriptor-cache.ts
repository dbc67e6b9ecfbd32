import { readFileSync } from 'node:fs'
import { CoalescedStats } from './coalesced-stats.ts'
import { OpenFile, openFile } from './open-file.ts'
import type { Representation } from './representation.ts'

/** An idle descriptor is closed after 5 to 10 s. While it is open, a deleted file keeps its space on the disk. */
const IDLE_MS = 5000

/** The ctime of a file has the resolution of the kernel's clock tick. A second change within it would go unnoticed. */
const CLOCK_TICK_MS = 50

export interface DescriptorCacheOptions<T> {
  /** Makes the result of open() from the opened file and the requested path. Its close() must close the file. */
  wrap: (file: OpenFile, path: string) => Promise<T> | T
  /** @returns the path to open instead of a path; undefined where nothing may be opened */
  resolve?: (path: string) => Promise<string | undefined>
  /** Most descriptors that stay open while nobody uses them. */
  max?: number
}

/**
 * Keeps the descriptors of files open between requests, with what was read from them, such as provenance.
 *
 * Each open() checks by stat() that the path still leads to the open file, unchanged. So a replaced file is noticed at
 * once. Without this cache, hits are answered at 0.21 to 0.46 of the rate (`npm run bench serve`: HEAD, 304, ranges).
 */
export class DescriptorCache<T extends Representation> {
  readonly #wrap: (file: OpenFile, path: string) => Promise<T> | T
  readonly #resolve: (path: string) => Promise<string | undefined>
  readonly #max: number
  readonly #stats = new CoalescedStats()
  /** By path, least recently used first. */
  readonly #entries = new Map<string, SharedFile<T>>()
  #timer: NodeJS.Timeout | undefined

  constructor ({ wrap, resolve = async path => path, max = defaultMax() }: DescriptorCacheOptions<T>) {
    this.#wrap = wrap
    this.#resolve = resolve
    this.#max = max
  }

  /**
   * Opens a regular file. The caller must close() it.
   *
   * @param path absolute
   * @returns undefined where there is no regular file, or it may not be read
   */
  async open (path: string): Promise<T | undefined> {
    const tick = await this.#stats.tick()
    const entry = this.#entries.get(path)
    if (entry?.checkedInTick === tick) return entry.acquire()
    const stat = await this.#stats.stat(path)
    const present = this.#entries.get(path)
    if (stat && present?.matches(stat)) return this.#keep(path, present, tick)
    this.#drop(path)
    const openedAt = Date.now()
    const target = stat?.isFile() ? await this.#resolve(path) : undefined
    const file = target === undefined ? undefined : await this.#openFile(target)
    if (!file) return undefined
    try {
      file.value = await this.#wrap(file, path)
    } catch (error) {
      await file.close()
      throw error
    }
    if (openedAt - file.ctimeMs < CLOCK_TICK_MS) return file.value // just changed: not kept
    this.#drop(path) // a concurrent call may have opened it too
    return this.#keep(path, file, tick)
  }

  /** Opens a file. Where the process has no descriptors left, it closes those that are only kept, and tries again. */
  async #openFile (path: string): Promise<SharedFile<T> | undefined> {
    try {
      return await openFile<SharedFile<T>>(path, SharedFile)
    } catch (error) {
      if (!['EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      for (const path of this.#entries.keys()) this.#drop(path)
      return await openFile<SharedFile<T>>(path, SharedFile)
    }
  }

  #keep (path: string, file: SharedFile<T>, tick: number): T {
    const value = file.acquire()
    file.checkedInTick = tick
    this.#entries.delete(path)
    this.#entries.set(path, file)
    this.#timer ??= setInterval(() => { this.#closeIdle() }, IDLE_MS).unref()
    if (this.#entries.size > this.#max) this.#drop(this.#entries.keys().next().value as string)
    return value
  }

  #closeIdle (): void {
    for (const [path, entry] of this.#entries) if (entry.isIdle()) this.#drop(path)
    if (this.#entries.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #drop (path: string): void {
    this.#entries.get(path)?.close()
    this.#entries.delete(path)
  }
}

/** An open file with a reference count. The cache holds one reference. The last close() closes the descriptor. */
class SharedFile<T> extends OpenFile {
  value!: T
  /** The last tick in which stat() showed that the path leads to this file. */
  checkedInTick = 0
  #references = 1
  #wasUsed = true

  acquire (): T {
    this.#references++
    this.#wasUsed = true
    return this.value
  }

  /** @returns whether it was not acquired since the last call */
  isIdle (): boolean {
    const isIdle = !this.#wasUsed
    this.#wasUsed = false
    return isIdle
  }

  override close (): Promise<void> | void {
    if (--this.#references === 0) return super.close()
  }
}

/** An eighth of the process's limit, at most 512. Library and cache use a quarter together, the rest is for sockets. */
function defaultMax (): number {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return Math.min(Math.floor(Number(limit ?? Infinity) / 8), 512)
  } catch {
    return 32
  }
}
