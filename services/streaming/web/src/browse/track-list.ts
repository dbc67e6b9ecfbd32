import type { TrackEntry } from '../api/library.ts'
import { element } from '../dom.ts'
import type { Player } from '../player/player.ts'
import { trackRow, type RowAction } from './track-row.ts'
import { WindowedRows } from './windowed-rows.ts'

export interface TrackListOptions {
  label: string
  player: Player
  /** @returns the track at a position; undefined while it is being fetched */
  trackAt: (index: number) => TrackEntry | undefined
  /** @returns whether the track at a position is the one that plays */
  isCurrent: (index: number, track: TrackEntry) => boolean
  onPlay: (index: number, track: TrackEntry) => void
  /** The buttons at the end of a row. */
  actions: (index: number, track: TrackEntry) => RowAction[]
  /** Whether rows are numbered by their position, and not by the number of the track. */
  isNumbered?: boolean
  /** Whether each row shows the cover of its track. */
  hasCovers?: boolean
}

/** A list of tracks of any length. The up and down arrows move through it. */
export class TrackList {
  readonly list: HTMLOListElement
  readonly #options: TrackListOptions
  readonly #rows: WindowedRows
  readonly #stop = new AbortController()
  #count = 0
  #shown = ''

  constructor (options: TrackListOptions) {
    this.#options = options
    this.list = element('ol', { className: 'tracks windowed', role: 'list', 'aria-label': options.label })
    this.#rows = new WindowedRows(this.list, index => this.#row(index))
    this.list.addEventListener('keydown', event => { this.#onKey(event) })
    options.player.addEventListener('change', () => { this.#onChange() }, { signal: this.#stop.signal })
  }

  resize (count: number): void {
    this.#count = count
    const height = Number.parseFloat(getComputedStyle(this.list).getPropertyValue('--row-height')) || 60
    this.#rows.resize(count, height)
  }

  redraw (): void {
    this.#rows.redraw()
  }

  close (): void {
    this.#stop.abort()
    this.#rows.close()
  }

  /** The player changes often; rows show only what plays, and whether it is paused. */
  #onChange (): void {
    const { current: { track }, isPlaying, queue: { state } } = this.#options.player
    const shown = `${track?.path} ${isPlaying} ${state.position} ${state.order.length}`
    if (shown !== this.#shown) this.#rows.redraw()
    this.#shown = shown
  }

  #row (index: number): HTMLElement {
    const { player, trackAt, isCurrent, onPlay, actions, isNumbered, hasCovers } = this.#options
    const track = trackAt(index)
    return trackRow(track, {
      index,
      total: this.#count,
      isCurrent: track !== undefined && isCurrent(index, track),
      isPlaying: player.isPlaying,
      number: isNumbered ? index + 1 : undefined,
      onPlay: () => { if (track) onPlay(index, track) },
      hasCover: hasCovers,
      actions: track ? actions(index, track) : []
    })
  }

  #onKey (event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const row = event.target instanceof Element ? event.target.closest('.row') : null
    if (!step || !row) return
    event.preventDefault()
    this.#rows.focus(Number(row.getAttribute('aria-posinset')) - 1 + step)
  }
}
