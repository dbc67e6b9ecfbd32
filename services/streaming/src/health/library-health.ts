import { access, constants, opendir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { KEY_PREFIX, type Problem, type RedisClient } from '@mixtape/transcode-queue'
import { SharedResult } from '../overview/shared-result.ts'

const KEY = `${KEY_PREFIX}:library-folders`

/** Folders directly below MUSIC_ROOT that are looked into. */
const MAX_FOLDERS = 200

/**
 * Looks whether MUSIC_ROOT, or a folder directly below it, is a place where a disk should be mounted and is not. That is a folder
 * that is still there, had something in it, and is empty or cannot be read now. Redis remembers which folders had
 * something, because disks are missing after a restart above all.
 */
export class LibraryHealth {
  readonly #root: string
  readonly #redis: RedisClient
  readonly #found: SharedResult<Problem | undefined>
  /** Names of the folders that had something in them, also while Redis is away. */
  #known = new Set<string>()

  constructor (root: string, redis: RedisClient) {
    this.#root = root
    this.#redis = redis
    this.#found = new SharedResult(async () => await this.#look())
  }

  /** @returns undefined where nothing seems to be missing */
  async problem (): Promise<Problem | undefined> {
    return await this.#found.read()
  }

  async #look (): Promise<Problem | undefined> {
    const entries = await access(this.#root, constants.X_OK).then(() => readdir(this.#root, { withFileTypes: true })).catch(() => undefined)
    if (!entries) {
      return {
        code: 'library_unreadable', message: 'MUSIC_ROOT cannot be read: nothing can be played. Mount its disk, or let this user read it.'
      }
    }
    await this.#redis.smembers(KEY).then(names => { this.#known = new Set(names) }, () => {}) // Redis may be away
    if (entries.length === 0) {
      return this.#known.size > 0
        ? { code: 'library_gone', message: 'MUSIC_ROOT is empty, and was not before: nothing can be played. Mount its disk.' }
        : { code: 'library_empty', message: 'MUSIC_ROOT is empty: nothing can be played. Put music into it, or mount its disk.' }
    }
    const folders = entries.filter(entry => !entry.isFile()).map(({ name }) => name).slice(0, MAX_FOLDERS)
    const isFilled = await Promise.all(folders.map(async name => await hasEntries(join(this.#root, name))))
    const filled = folders.filter((_, i) => isFilled[i])
    const missing = folders.filter(name => this.#known.has(name) && !filled.includes(name))
    await this.#remember([...filled, ...missing]).catch(() => {}) // at the next look
    if (missing.length === 0) return undefined
    return {
      code: 'library_partly_gone',
      message: 'Folders of the library are empty or cannot be read, and were not before. ' +
        'Mount their disks; remove the folders that are to stay empty.',
      names: missing
    }
  }

  /** A folder that is gone was removed by somebody: where a disk is not mounted, its empty folder stays. */
  async #remember (names: string[]): Promise<void> {
    const gone = [...this.#known].filter(name => !names.includes(name))
    if (gone.length > 0) await this.#redis.srem(KEY, ...gone)
    const added = names.filter(name => !this.#known.has(name))
    if (added.length > 0) await this.#redis.sadd(KEY, ...added)
    this.#known = new Set(names)
  }
}

async function hasEntries (path: string): Promise<boolean> {
  try {
    const folder = await opendir(path)
    const first = await folder.read()
    await folder.close()
    return first !== null
  } catch {
    return false
  }
}
