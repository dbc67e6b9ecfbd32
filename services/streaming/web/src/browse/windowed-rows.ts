/** Rows that are drawn above and below the screen. */
const OVERSCAN = 8

/**
 * A long list of rows of equal height, of which only those near the screen exist. It scrolls with the page.
 *
 * The container gets the height of all rows, and each row is placed in it.
 */
export class WindowedRows {
  readonly #container: HTMLElement
  readonly #render: (index: number) => HTMLElement
  readonly #rows = new Map<number, HTMLElement>()
  #count = 0
  #height = 0
  #frame = 0
  readonly #listening = new AbortController()

  /** @param render makes a row */
  constructor (container: HTMLElement, render: (index: number) => HTMLElement) {
    this.#container = container
    this.#render = render
    const options = { passive: true, signal: this.#listening.signal }
    for (const type of ['scroll', 'resize']) {
      addEventListener(type, () => {
        cancelAnimationFrame(this.#frame)
        this.#frame = requestAnimationFrame(() => { this.draw() })
      }, options)
    }
  }

  /** @param height of a row, in pixels */
  resize (count: number, height: number): void {
    this.#count = count
    this.#height = height
    this.#container.style.height = `${count * height}px`
    this.redraw()
  }

  /** Makes all rows on the screen anew. The button that has the focus keeps it, or the nearest one where it is gone. */
  redraw (): void {
    const focused = this.#focusedIndex()
    const button = focused === undefined ? 0 : focusables(this.#rows.get(focused)).indexOf(document.activeElement as HTMLElement)
    for (const row of this.#rows.values()) row.remove()
    this.#rows.clear()
    this.draw()
    if (focused === undefined) return
    const buttons = focusables(this.#rows.get(Math.min(focused, this.#count - 1)))
    buttons[Math.min(button, buttons.length - 1)]?.focus({ preventScroll: true })
  }

  /** Makes the rows that have come near the screen, and removes those that have left it. */
  draw (): void {
    if (this.#height === 0) return
    const top = -this.#container.getBoundingClientRect().top
    const first = Math.max(Math.floor(top / this.#height) - OVERSCAN, 0)
    const last = Math.min(Math.ceil((top + window.innerHeight) / this.#height) + OVERSCAN, this.#count)
    const focused = this.#focusedIndex()
    for (const [index, row] of this.#rows) {
      if (index >= first && index < last) continue
      if (index === focused && index < this.#count) continue // the focus must not get lost
      row.remove()
      this.#rows.delete(index)
    }
    for (let index = first; index < last; index++) {
      if (this.#rows.has(index)) continue
      const row = this.#render(index)
      row.style.transform = `translateY(${index * this.#height}px)`
      this.#rows.set(index, row)
      this.#insert(row, index)
    }
  }

  /** Moves the focus to a row, and scrolls it into view. */
  focus (index: number): void {
    if (index < 0 || index >= this.#count) return
    const top = this.#container.getBoundingClientRect().top + index * this.#height
    const margin = 140 // header and player
    if (top < margin) window.scrollBy(0, top - margin)
    else if (top + this.#height > window.innerHeight - margin) window.scrollBy(0, top + this.#height - window.innerHeight + margin)
    this.draw()
    focusables(this.#rows.get(index))[0]?.focus({ preventScroll: true })
  }

  close (): void {
    this.#listening.abort()
    cancelAnimationFrame(this.#frame)
  }

  /** Rows are in their order in the document, so that Tab and screen readers follow it. */
  #insert (row: HTMLElement, index: number): void {
    let next: number | undefined
    for (const other of this.#rows.keys()) if (other > index && (next === undefined || other < next)) next = other
    this.#container.insertBefore(row, next === undefined ? null : this.#rows.get(next) ?? null)
  }

  #focusedIndex (): number | undefined {
    for (const [index, row] of this.#rows) if (row.contains(document.activeElement)) return index
  }
}

function focusables (row: HTMLElement | undefined): HTMLElement[] {
  return [...row?.querySelectorAll<HTMLElement>('button, a') ?? []]
}
