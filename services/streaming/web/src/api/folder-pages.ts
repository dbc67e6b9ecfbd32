import { fetchFolder, type FolderPage, type TrackEntry } from './library.ts'

const PAGE_SIZE = 100

/** Entries of one request when a whole folder is wanted. */
const ALL_SIZE = 500

export type Entry = FolderPage['entries'][number]

/** The entries of a folder, fetched page by page as they come into view. */
export class FolderPages {
  readonly path: string
  readonly filter: string
  /** Entries of all pages, and how many of them are folders; known after start(). */
  total = 0
  folders = 0
  readonly #entries = new Map<number, Entry>()
  readonly #requested = new Set<number>()
  readonly #aborter = new AbortController()
  readonly #onLoaded: () => void
  readonly #onError: (error: Error) => void

  /** @param callbacks called after each page but the first */
  constructor (path: string, filter: string, { onLoaded, onError }: { onLoaded: () => void, onError: (error: Error) => void }) {
    this.path = path
    this.filter = filter
    this.#onLoaded = onLoaded
    this.#onError = onError
  }

  /** Fetches the first page. */
  async start (): Promise<void> {
    this.#requested.add(0)
    this.#add(await this.#fetch(0, PAGE_SIZE))
  }

  /** @returns the entry at a position; undefined while its page is being fetched */
  get (index: number): Entry | undefined {
    const entry = this.#entries.get(index)
    const page = Math.floor(index / PAGE_SIZE)
    if (!entry && !this.#requested.has(page)) {
      this.#requested.add(page)
      this.#fetch(page * PAGE_SIZE, PAGE_SIZE).then(fetched => {
        this.#add(fetched)
        this.#onLoaded()
      }, error => {
        this.#requested.delete(page)
        if (!this.#aborter.signal.aborted) this.#onError(error)
      })
    }
    return entry
  }

  /** @returns all tracks of the folder in their order, as one batch after the other */
  async * tracks (): AsyncGenerator<TrackEntry[]> {
    for (let offset = this.folders; offset < this.total;) {
      const known: TrackEntry[] = []
      for (let entry = this.#entries.get(offset); entry?.type === 'track'; entry = this.#entries.get(offset)) {
        known.push(entry)
        offset++
      }
      if (known.length > 0) {
        yield known
        continue
      }
      const { entries } = await fetchFolder(this.path, { offset, limit: ALL_SIZE, filter: this.filter })
      if (entries.length === 0) return // the folder has become shorter
      offset += entries.length
      yield entries.filter(entry => entry.type === 'track')
    }
  }

  /** Stops all requests of get(). */
  close (): void {
    this.#aborter.abort()
  }

  async #fetch (offset: number, limit: number): Promise<FolderPage> {
    return await fetchFolder(this.path, { offset, limit, filter: this.filter, signal: this.#aborter.signal })
  }

  #add ({ total, folders, offset, entries }: FolderPage): void {
    this.total = total
    this.folders = folders
    entries.forEach((entry, index) => this.#entries.set(offset + index, entry))
  }
}
