import type { Deck } from './deck.ts'

/** The two decks of the player: one is heard, and the other, the spare one, loads what comes next. Then they change places. */
export class Decks {
  #current: Deck
  #spare: Deck

  constructor (first: Deck, second: Deck) {
    this.#current = first
    this.#spare = second
    this.#mark()
  }

  get current (): Deck {
    return this.#current
  }

  get spare (): Deck {
    return this.#spare
  }

  get both (): [Deck, Deck] {
    return [this.#current, this.#spare]
  }

  changePlaces (): void {
    [this.#current, this.#spare] = [this.#spare, this.#current]
    this.#mark()
  }

  /** Marks the audio element that is heard. */
  #mark (): void {
    this.#current.audio.dataset.deck = 'current'
    this.#spare.audio.dataset.deck = 'spare'
  }
}
