/** A row that is updated in its place, so that its buttons keep the focus and a press is never lost. */
export interface Row<T> {
  element: HTMLElement
  update (item: T): void
}

/** Shows items as rows of a list. A row stays the same element as long as its item is there. */
export class Rows<T> {
  readonly #list: HTMLElement
  readonly #keyOf: (item: T) => string
  readonly #make: () => Row<T>
  readonly #rows = new Map<string, Row<T>>()

  /** @param keyOf unique among the items */
  constructor (list: HTMLElement, keyOf: (item: T) => string, make: () => Row<T>) {
    this.#list = list
    this.#keyOf = keyOf
    this.#make = make
  }

  show (items: T[]): void {
    const gone = new Set(this.#rows.keys())
    let place = this.#list.firstElementChild
    for (const item of items) {
      const key = this.#keyOf(item)
      gone.delete(key)
      const row = this.#rows.get(key) ?? this.#make()
      this.#rows.set(key, row)
      row.update(item)
      if (row.element === place) place = place.nextElementSibling
      else this.#list.insertBefore(row.element, place)
    }
    for (const key of gone) {
      this.#rows.get(key)?.element.remove()
      this.#rows.delete(key)
    }
  }
}
