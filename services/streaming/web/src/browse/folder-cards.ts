import type { FolderPages } from '../api/folder-pages.ts'
import { element } from '../dom.ts'
import { folderUrl } from '../places.ts'
import { coverOf } from './cover.ts'
import { WindowedRows } from './windowed-rows.ts'

/** Narrowest card on a phone and on a wide screen, and the height of a card's text, in pixels. */
const [NARROW, WIDE] = [150, 200]
const TEXT_HEIGHT = 60
const GAP = 20

/** The folders of a folder as cards with covers, in rows that fill the width. */
export class FolderCards {
  readonly list = element('ul', { className: 'cards windowed', role: 'list', 'aria-label': 'Folders' })
  readonly #pages: FolderPages
  readonly #rows: WindowedRows
  readonly #resizing = new ResizeObserver(() => { this.#layOut() })
  #columns = 0
  #width = 0

  constructor (pages: FolderPages) {
    this.#pages = pages
    this.#rows = new WindowedRows(this.list, row => this.#row(row))
    this.#resizing.observe(this.list)
  }

  redraw (): void {
    this.#rows.redraw()
  }

  close (): void {
    this.#resizing.disconnect()
    this.#rows.close()
  }

  /** Makes the height of the list right. It is called by itself when the width changes. */
  #layOut (): void {
    const width = this.list.clientWidth
    if (width === 0 || width === this.#width) return
    this.#width = width
    this.#columns = Math.max(Math.floor((width + GAP) / ((width < 700 ? NARROW : WIDE) + GAP)), 2)
    const card = (width - GAP * (this.#columns - 1)) / this.#columns
    this.list.style.setProperty('--columns', `${this.#columns}`)
    this.#rows.resize(Math.ceil(this.#pages.folders / this.#columns), Math.ceil(card + TEXT_HEIGHT + GAP))
  }

  layOut (): void {
    this.#layOut()
  }

  #row (row: number): HTMLElement {
    const first = row * this.#columns
    const last = Math.min(first + this.#columns, this.#pages.folders)
    const cards = element('li', { className: 'cards-row' })
    for (let index = first; index < last; index++) {
      const entry = this.#pages.get(index)
      cards.append(entry
        ? element('a', { className: 'card', href: folderUrl(entry.path) },
          coverOf(entry.path, { pixels: 512, name: entry.name, isFolder: true }),
          element('span', { className: 'card-name' }, entry.name))
        : element('span', { className: 'card is-loading' }, element('span', { className: 'cover' })))
    }
    return cards
  }
}
