import type { TrackEntry } from '../api/library.ts'
import { load, local, save } from '../storage.ts'

interface DraftState {
  /** Of the saved mixtape that is edited; undefined for a new one. */
  slug?: string
  title: string
  tracks: TrackEntry[]
  /** Whether something would be lost without saving. */
  isChanged: boolean
}

const KEY = 'mixtapeDraft'

const EMPTY: DraftState = { title: '', tracks: [], isChanged: false }

/** The mixtape that is being made. The browser remembers it until it is saved or discarded. Event: `change`. */
class Draft extends EventTarget {
  #state = load<DraftState>(local, KEY) ?? EMPTY

  constructor () {
    super()
    addEventListener('storage', ({ key }) => {
      if (key !== KEY) return // another tab has changed it
      this.#state = load<DraftState>(local, KEY) ?? EMPTY
      this.dispatchEvent(new Event('change'))
    })
  }

  get state (): Readonly<DraftState> {
    return this.#state
  }

  /** What it is called in messages. */
  get name (): string {
    return this.#state.title ? `“${this.#state.title}”` : 'the mixtape'
  }

  /** Each place in the list has an entry of its own, also where a track is added twice. */
  add (tracks: TrackEntry[]): void {
    this.#change({ tracks: [...this.#state.tracks, ...tracks.map(track => ({ ...track }))] })
  }

  move (from: number, to: number): void {
    const tracks = this.#state.tracks.toSpliced(from, 1)
    tracks.splice(to, 0, this.#state.tracks[from] as TrackEntry)
    this.#change({ tracks })
  }

  remove (index: number): void {
    this.#change({ tracks: this.#state.tracks.toSpliced(index, 1) })
  }

  rename (title: string): void {
    this.#change({ title })
  }

  /** Starts to edit a saved mixtape. */
  open (slug: string, title: string, tracks: TrackEntry[]): void {
    this.#set({ slug, title, tracks: tracks.map(track => ({ ...track })), isChanged: false })
  }

  /** Forgets it, because it is saved or not wanted. */
  clear (): void {
    this.#set(EMPTY)
  }

  #change (changes: Partial<DraftState>): void {
    this.#set({ ...this.#state, ...changes, isChanged: true })
  }

  #set (state: DraftState): void {
    this.#state = state
    save(local, KEY, state)
    this.dispatchEvent(new Event('change'))
  }
}

export const draft = new Draft()
