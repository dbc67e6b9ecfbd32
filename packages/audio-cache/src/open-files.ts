import { readFileSync, stat, statSync, type BigIntStats } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { isLocal } from './local-disks.ts'
import { isNothingThere, OpenFile, openFile, type Representation } from './open-file.ts'
import { turn } from './turn.ts'

const statAt = promisify(stat) as (path: string, options: { bigint: true }) => Promise<BigIntStats>

/** A file that nobody has asked for in this time is closed: open, it would keep its place on the disk when deleted. */
const IDLE_MS = 5000

/** Of so many names it is known at a time that there was no file. */
const MAX_ABSENT = 1000

/** A file that was changed this shortly before it was opened may be changed again under the same ctime. */
const CLOCK_TICK_MS = 50

/**
 * Files that stay open from one request to the next, and what was learned of them.
 *
 * Each request asks the file system whether its path still leads to the very file that is open, so that a replaced file
 * is seen at once. Those that ask in the same turn share the answer.
 */
export class OpenFiles<T extends Representation> {
  readonly #resolve: (path: string) => Promise<string | undefined>
  readonly #learn: (file: OpenFile, path: string) => Promise<T> | T
  readonly #max: number
  /** By path, least recently used first. */
  readonly #kept = new Map<string, KeptFile<T>>()
  /** Paths that led nowhere, in directories on a local disk. */
  readonly #absent = new Set<string>()
  #asked: {
    turn: number, stats: Map<string, Promise<BigIntStats | undefined> | BigIntStats | undefined>
  } = { turn: 0, stats: new Map() }

  #timer: NodeJS.Timeout | undefined

  /**
   * @param options.learn makes what is handed out of a file that was opened and the path that was asked for; closing it
   * closes the file
   * @param options.resolve says which path to open instead, or undefined where there is none to be opened
   * @param options.max files that are kept open while nobody uses them
   */
  constructor ({ learn, resolve = async path => path, max = eighthOfDescriptors() }: {
    learn: (file: OpenFile, path: string) => Promise<T> | T
    resolve?: (path: string) => Promise<string | undefined>
    max?: number
  }) {
    this.#learn = learn
    this.#resolve = resolve
    this.#max = max
  }

  /**
   * Opens a regular file. Whoever gets it closes it.
   *
   * @returns undefined where there is no regular file to read
   */
  async open (path: string): Promise<T | undefined> {
    const now = await turn()
    const kept = this.#kept.get(path)
    if (kept?.seenIn === now) return kept.use()
    const stat = await this.#stat(path, now)
    const still = this.#kept.get(path)
    if (stat && still?.is(stat)) return this.#keep(path, still, now)
    this.#drop(path)
    if (!stat) this.#noteAbsence(path).catch(() => {})
    const began = Date.now()
    const target = stat?.isFile() ? await this.#resolve(path) : undefined
    const file = target === undefined ? undefined : await this.#openNew(target)
    if (!file) return undefined
    try {
      file.isLocal = await isLocal(file)
      file.learned = await this.#learn(file, path)
    } catch (error) {
      await file.close()
      throw error
    }
    if (began - file.ctimeMs < CLOCK_TICK_MS) return file.learned
    this.#drop(path) // somebody else may have been opening it too
    return this.#keep(path, file, now)
  }

  /**
   * On a local disk the way to a file that is open is in memory, as is that there was none a moment ago: asking for it
   * takes less than a thread's help.
   */
  #stat (path: string, turn: number): Promise<BigIntStats | undefined> | BigIntStats | undefined {
    if (this.#asked.turn !== turn) this.#asked = { turn, stats: new Map() }
    const { stats } = this.#asked
    if (!stats.has(path)) {
      const isAtHand = this.#kept.get(path)?.isLocal || this.#absent.has(path)
      stats.set(path, isAtHand ? statNow(path) : statAt(path, { bigint: true }).catch(ignoreNothingThere))
    }
    return stats.get(path)
  }

  async #noteAbsence (path: string): Promise<void> {
    if (this.#absent.has(path) || this.#absent.size >= MAX_ABSENT) return
    const dir = dirname(path)
    const { dev } = await statAt(dir, { bigint: true })
    if (!await isLocal({ device: dev, path: dir })) return
    this.#absent.add(path)
    this.#timer ??= setInterval(() => { this.#closeIdle() }, IDLE_MS).unref()
  }

  async #openNew (path: string): Promise<KeptFile<T> | undefined> {
    try {
      return await openFile<KeptFile<T>>(path, KeptFile)
    } catch (error) {
      if (!['EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      for (const path of this.#kept.keys()) this.#drop(path)
      return await openFile<KeptFile<T>>(path, KeptFile)
    }
  }

  #keep (path: string, file: KeptFile<T>, turn: number): T {
    const learned = file.use()
    file.seenIn = turn
    this.#kept.delete(path)
    this.#kept.set(path, file)
    this.#timer ??= setInterval(() => { this.#closeIdle() }, IDLE_MS).unref()
    if (this.#kept.size > this.#max) this.#drop(this.#kept.keys().next().value as string)
    return learned
  }

  #closeIdle (): void {
    this.#absent.clear()
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
class KeptFile<T> extends OpenFile {
  isLocal = false
  learned!: T
  /** The turn in which its path was seen to lead to it, the last of them. */
  seenIn = 0
  #users = 1
  #isIdle = false

  use (): T {
    this.#users++
    this.#isIdle = false
    return this.learned
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

function statNow (path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    return ignoreNothingThere(error)
  }
}

function ignoreNothingThere (error: unknown): undefined {
  if (!isNothingThere(error)) throw error
}
