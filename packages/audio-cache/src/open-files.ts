import { readFileSync, stat, statSync, type BigIntStats } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { isLocal } from './local-disks.ts'
import { isNothingThere, OpenFile, openFile } from './open-file.ts'

const statAt = promisify(stat) as (path: string, options: { bigint: true }) => Promise<BigIntStats>

/** A file that nobody has asked for in this time is closed: open, it would keep its place on the disk when deleted. */
const IDLE_MS = 5000

/** A file that was changed this shortly before it was opened may be changed again under the same ctime. */
const CLOCK_TICK_MS = 50

/**
 * Files that stay open from one request to the next.
 *
 * Each request asks the file system whether its path still leads to the very file that is open, so that a replaced file
 * is seen at once. Those that ask in the same turn of the event loop share the answer, which is no older than they are,
 * and are answered together, which spares waking those who read the answers one by one.
 */
export class OpenFiles {
  readonly #max: number
  /** By path, least recently used first. */
  readonly #kept = new Map<string, KeptFile>()
  readonly #asked = new Map<string, Promise<BigIntStats | undefined>>()
  #timer: NodeJS.Timeout | undefined

  /** @param max files that are kept open while nobody uses them */
  constructor (max = eighthOfDescriptors()) {
    this.#max = max
  }

  /**
   * Opens a regular file. Whoever gets it closes it.
   *
   * @param resolve says which path to open instead, or undefined where there is none to be opened
   * @returns undefined where there is no regular file to read
   */
  async open (path: string, resolve = async (path: string): Promise<string | undefined> => path): Promise<OpenFile | undefined> {
    const now = await this.#stat(path)
    const kept = this.#kept.get(path)
    if (now && kept?.is(now)) return this.#keep(path, kept.use())
    this.#drop(path)
    if (!now?.isFile()) return undefined
    const target = await resolve(path)
    const file = target === undefined ? undefined : await this.#openNew(target)
    if (file) file.isLocal = await isLocal(file)
    if (!file || Date.now() - file.ctimeMs < CLOCK_TICK_MS) return file
    this.#drop(path) // somebody else may have been opening it too
    return this.#keep(path, file)
  }

  async #openNew (path: string): Promise<KeptFile | undefined> {
    try {
      return await openFile(path, KeptFile)
    } catch (error) {
      if (!['EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      for (const path of this.#kept.keys()) this.#drop(path)
      return await openFile(path, KeptFile)
    }
  }

  #stat (path: string): Promise<BigIntStats | undefined> {
    let asked = this.#asked.get(path)
    if (!asked) {
      asked = setImmediate().then(async () => {
        this.#asked.delete(path)
        // On a local disk the way to a file that is open is in memory, and asking for it takes less than a thread's help.
        return this.#kept.get(path)?.isLocal
          ? statSync(path, { bigint: true, throwIfNoEntry: false })
          : await statAt(path, { bigint: true })
      }).catch(ignoreNothingThere)
      this.#asked.set(path, asked)
    }
    return asked
  }

  #keep (path: string, file: KeptFile): KeptFile {
    if (!this.#kept.delete(path)) file.use()
    this.#kept.set(path, file)
    this.#timer ??= setInterval(() => { this.#closeIdle() }, IDLE_MS).unref()
    if (this.#kept.size > this.#max) this.#drop(this.#kept.keys().next().value as string)
    return file
  }

  #closeIdle (): void {
    for (const [path, kept] of this.#kept) if (kept.isIdle()) this.#drop(path)
    if (this.#kept.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #drop (path: string): void {
    this.#kept.get(path)?.close()
    this.#kept.delete(path)
  }
}

/** An open file that is closed by the last of its users, of whom its keeper is one. */
class KeptFile extends OpenFile {
  isLocal = false
  #users = 1
  #isIdle = false

  use (): this {
    this.#users++
    this.#isIdle = false
    return this
  }

  /** @returns whether nobody has used it since this was asked last */
  isIdle (): boolean {
    const isIdle = this.#isIdle
    this.#isIdle = true
    return isIdle
  }

  override close (): Promise<void> | void {
    if (--this.#users === 0) return super.close()
  }
}

/** Two of these, for the library and the cache, leave three quarters of the descriptors that Linux allows to sockets. */
function eighthOfDescriptors (): number {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return Math.min(Math.floor(Number(limit ?? Infinity) / 8), 512)
  } catch {
    return 32
  }
}

function ignoreNothingThere (error: unknown): undefined {
  if (!isNothingThere(error)) throw error
}
