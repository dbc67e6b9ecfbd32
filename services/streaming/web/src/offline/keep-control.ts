import type { MixtapeTracks } from '../api/mixtapes.ts'
import { QUALITIES, type Quality } from '../api/qualities.ts'
import { element, icon } from '../dom.ts'
import { megabytes } from '../format.ts'
import { keeperOf, type KeepingState } from './keeper.ts'

/** The panel that keeps a mixtape on this device, and its button. */
export class KeepControl {
  readonly button = element('button', { className: 'pill', 'aria-expanded': 'false', click: () => { this.#toggle() } }, icon('keep'), 'Keep offline')
  readonly panel = element('section', { className: 'keep', 'aria-label': 'Keep offline', hidden: true })
  readonly #mixtape: MixtapeTracks
  readonly #keeper
  readonly #closing = new AbortController()
  #quality: Quality
  #problem = ''
  /** What the panel shows, apart from its numbers. */
  #shown = ''

  constructor (mixtape: MixtapeTracks, quality: Quality) {
    this.#mixtape = mixtape
    this.#quality = quality
    this.#keeper = keeperOf(mixtape.slug)
    this.#keeper.addEventListener('change', () => { this.#show() }, { signal: this.#closing.signal })
    this.#keeper.update(mixtape).catch(() => {}) // nothing is kept where storage is forbidden
    this.#show()
  }

  close (): void {
    this.#closing.abort()
  }

  #toggle (): void {
    this.panel.hidden = !this.panel.hidden
    this.button.setAttribute('aria-expanded', `${!this.panel.hidden}`)
  }

  async #show (): Promise<void> {
    const state = await this.#keeper.state().catch(() => ({ status: 'none', tracks: 0, bytes: 0, message: '' }) as const)
    this.button.hidden = state.status !== 'none'
    if (state.status !== 'none') this.panel.hidden = false
    const shown = `${state.status} ${this.#problem}`
    if (shown !== this.#shown) this.panel.replaceChildren(...state.status === 'none' ? this.#offer() : this.#progress(state))
    this.#shown = shown
    if (state.status !== 'none') await this.#update(state)
  }

  /** Choose a quality, and keep. */
  #offer (): HTMLElement[] {
    const select = element('select', { change: () => { this.#quality = select.value as Quality } },
      ...(Object.keys(QUALITIES) as Quality[]).map(quality => element('option', { value: quality, selected: quality === this.#quality },
        `${QUALITIES[quality].label} · ${megabytes(this.#size(quality))}`)))
    return [
      element('label', { className: 'quality' }, element('span', { className: 'hidden' }, 'Quality on this device'), select),
      element('button', { className: 'pill primary', click: () => { this.#keep() } }, 'Keep on this device'),
      element('p', { role: 'status' }, this.#problem)
    ]
  }

  #progress ({ status }: KeepingState): HTMLElement[] {
    const button = (text: string, click: () => void) => element('button', { className: 'pill', click }, text)
    return [
      element('span', { className: 'readiness-bar', role: 'progressbar', 'aria-label': 'Tracks on this device', hidden: status === 'kept' }),
      element('p', { className: status === 'kept' ? 'is-kept' : '', role: status === 'fetching' ? undefined : 'status' }),
      ...status === 'fetching' || status === 'waiting' ? [button('Pause', () => { this.#keeper.pause() })] : [],
      ...status === 'paused' ? [button('Go on', () => { this.#keeper.resume() })] : [],
      element('button', { className: 'pill', 'aria-label': 'Remove from this device', click: () => { this.#remove() } }, 'Remove')
    ]
  }

  async #update ({ status, quality = this.#quality, tracks, bytes, message }: KeepingState): Promise<void> {
    const total = new Set(this.#mixtape.tracks.filter(({ size }) => size !== undefined).map(({ path }) => path)).size
    const level = QUALITIES[quality].name
    const expected = this.#size(quality)
    const bar = this.panel.querySelector<HTMLElement>('.readiness-bar')
    bar?.style.setProperty('--share', `${Math.min(bytes / expected, 1)}`)
    for (const [name, value] of Object.entries({ valuemin: 0, valuemax: total, valuenow: tracks })) bar?.setAttribute(`aria-${name}`, `${value}`)
    const { quota = 0, usage = 0 } = await navigator.storage.estimate()
    const text = this.panel.querySelector('p')
    if (!text) return
    text.textContent = status === 'kept'
      ? `On this device: ${megabytes(bytes)} at ${level} · ${megabytes(quota - usage)} free`
      : `${status === 'paused' ? 'Paused: ' : ''}${tracks} of ${total} tracks, ${megabytes(bytes)} of ${megabytes(expected)} at ${level}. ${message}`
  }

  async #keep (): Promise<void> {
    try {
      this.#problem = ''
      await this.#keeper.keep(this.#mixtape, this.#quality)
    } catch (error) {
      this.#problem = (error as Error).message
      this.#show()
    }
  }

  async #remove (): Promise<void> {
    this.#toggle()
    await this.#keeper.remove()
    this.button.focus()
  }

  /** @returns about how many bytes the mixtape takes at a quality */
  #size (quality: Quality): number {
    const { kbits } = QUALITIES[quality]
    const tracks = new Map(this.#mixtape.tracks.map(track => [track.path, track]))
    return [...tracks.values()].reduce((sum, { size = 0, duration, transcoded }) =>
      sum + (kbits && transcoded && duration ? duration * kbits * 125 : size), 0)
  }
}
