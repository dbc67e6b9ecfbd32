import type { TrackEntry } from '../api/library.ts'

export type Repeat = 'off' | 'all' | 'one'

/** A track of the queue. */
export interface QueuedTrack extends TrackEntry {
  /** URL of the place where it was chosen, to which its title leads; its folder where undefined. */
  place?: string
}

/** What is remembered of a queue. */
export interface QueueState {
  tracks: QueuedTrack[]
  /** Positions in `tracks`, in the order in which they are played. */
  order: number[]
  /** Position in `order`. */
  position: number
  isShuffled: boolean
  repeat: Repeat
}

/** The tracks to play, and their order. */
export class Queue {
  #state: QueueState = { tracks: [], order: [], position: 0, isShuffled: false, repeat: 'off' }

  get state (): Readonly<QueueState> {
    return this.#state
  }

  /** Takes over what was remembered, unless it is damaged. */
  restore (state: QueueState): void {
    const { tracks, order, position, repeat } = state
    if (!['off', 'all', 'one'].includes(repeat) || !Array.isArray(tracks) || !Array.isArray(order) || !order.every(index => tracks[index]?.path) || !(position in order)) return
    this.#state = state
  }

  get current (): QueuedTrack | undefined {
    return this.#at(this.#state.position)
  }

  /** Tracks in the order in which they are played. */
  get inOrder (): QueuedTrack[] {
    return this.#state.order.map(index => this.#state.tracks[index] as QueuedTrack)
  }

  /** Replaces all tracks. */
  replace (tracks: QueuedTrack[], start: number): void {
    this.#state.tracks = [...tracks]
    this.#state.order = tracks.map((_, index) => index)
    this.#state.position = start
    if (this.#state.isShuffled) this.setShuffled(true)
  }

  append (tracks: QueuedTrack[]): void {
    const { tracks: known, order, isShuffled } = this.#state
    for (const track of tracks) order.push(known.push(track) - 1)
    if (isShuffled) this.#shuffleRest()
  }

  /** Removes the track at a position of the order. The current track cannot be removed. */
  remove (position: number): void {
    const { order } = this.#state
    if (position === this.#state.position) return
    order.splice(position, 1)
    if (position < this.#state.position) this.#state.position--
  }

  goTo (position: number): void {
    if (position in this.#state.order) this.#state.position = position
  }

  /** @returns the position that follows; undefined at the end */
  following ({ isAutomatic }: { isAutomatic: boolean }): number | undefined {
    const { position, order, repeat } = this.#state
    if (repeat === 'one' && isAutomatic) return position
    if (position + 1 < order.length) return position + 1
    return repeat === 'off' || order.length === 0 ? undefined : 0
  }

  /** @returns the position before */
  get preceding (): number {
    const { position, order, repeat } = this.#state
    return position > 0 ? position - 1 : repeat === 'all' ? order.length - 1 : 0
  }

  trackAt (position: number | undefined): QueuedTrack | undefined {
    return position === undefined ? undefined : this.#at(position)
  }

  /** @returns how many times a track was added before the current one, in whatever order they are played */
  timesBefore (path: string): number {
    const { tracks, order, position } = this.#state
    return tracks.slice(0, order[position]).filter(track => track.path === path).length
  }

  setRepeat (repeat: Repeat): void {
    this.#state.repeat = repeat
  }

  /** The current track goes on. Only what follows is shuffled, or all goes back into its order. */
  setShuffled (isShuffled: boolean): void {
    const current = this.#state.order[this.#state.position]
    this.#state.isShuffled = isShuffled
    if (isShuffled) {
      this.#state.order = [...current === undefined ? [] : [current], ...this.#state.order.filter(index => index !== current)]
      this.#state.position = 0
      this.#shuffleRest()
    } else {
      this.#state.order.sort((a, b) => a - b)
      this.#state.position = Math.max(this.#state.order.indexOf(current ?? 0), 0)
    }
  }

  #at (position: number): QueuedTrack | undefined {
    const index = this.#state.order[position]
    return index === undefined ? undefined : this.#state.tracks[index]
  }

  /** Fisher and Yates. */
  #shuffleRest (): void {
    const { order, position } = this.#state
    for (let last = order.length - 1; last > position + 1; last--) {
      const other = position + 1 + Math.floor(Math.random() * (last - position))
      const moved = order[last] as number
      order[last] = order[other] as number
      order[other] = moved
    }
  }
}
