/** Paths that are passed on at a time: those of a whole cache may take too much memory. */
const BATCH_SIZE = 1000

/** Receives the paths of deleted files, relative to the cache directory, up to 1000 at a time. */
export type OnDeleted = (paths: string[]) => Promise<void>

/** Collects the paths of deleted files, and passes them on. */
export class DeletedPaths {
  readonly #onDeleted: OnDeleted
  #paths: string[] = []

  constructor (onDeleted: OnDeleted) {
    this.#onDeleted = onDeleted
  }

  async add (path: string): Promise<void> {
    if (this.#paths.push(path) === BATCH_SIZE) await this.flush()
  }

  /** Passes on the rest. */
  async flush (): Promise<void> {
    const paths = this.#paths
    this.#paths = []
    if (paths.length > 0) await this.#onDeleted(paths)
  }
}
