import { watchProgress, type Progress } from '../api/mixtapes.ts'
import { QUALITIES } from '../api/qualities.ts'
import { element } from '../dom.ts'
import type { Player } from '../player/player.ts'

/** Shows how many tracks of a mixtape are ready at the listener's quality, while they become so. */
export class Readiness {
  readonly #player: Player
  readonly #text = element('span', {})
  readonly #bar = element('span', { className: 'readiness-bar', role: 'progressbar', 'aria-label': 'Tracks that are ready', 'aria-valuemin': 0 })
  readonly element = element('div', { className: 'readiness', hidden: true }, this.#bar, this.#text)
  readonly #stopWatching: () => void
  readonly #listening = new AbortController()
  #progress: Progress | undefined

  /** @param onChange called when tracks have become ready */
  constructor (slug: string, player: Player, onChange: () => void) {
    this.#player = player
    this.#stopWatching = watchProgress(slug, progress => {
      const isFirst = this.#progress === undefined
      this.#progress = progress
      this.#show()
      if (!isFirst) onChange()
    })
    player.addEventListener('change', () => { this.#show() }, { signal: this.#listening.signal })
  }

  close (): void {
    this.#stopWatching()
    this.#listening.abort()
  }

  #show (): void {
    const progress = this.#progress
    const { quality } = this.#player
    this.element.hidden = progress === undefined || quality === 'original' // originals are always ready
    if (!progress || quality === 'original') return
    const { total, status } = progress
    const ready = progress.ready[quality]
    const level = QUALITIES[quality].name
    this.element.classList.toggle('is-complete', ready === total)
    this.#bar.hidden = status !== 'in_progress'
    this.#bar.style.setProperty('--share', `${total > 0 ? ready / total : 1}`)
    this.#bar.setAttribute('aria-valuenow', `${ready}`)
    this.#bar.setAttribute('aria-valuemax', `${total}`)
    this.#text.textContent = ready === total ? `Ready at ${level}` : `${ready} of ${total} ready at ${level}`
  }
}
