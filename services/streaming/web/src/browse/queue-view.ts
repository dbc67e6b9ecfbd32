import { element } from '../dom.ts'
import { count } from '../format.ts'
import type { Player } from '../player/player.ts'
import { emptyNotice } from './notices.ts'
import { TrackList } from './track-list.ts'

/** Shows the queue in the order in which it is played. */
export class QueueView {
  readonly #player: Player
  readonly #stop = new AbortController()
  #list: TrackList | undefined

  constructor (player: Player) {
    this.#player = player
  }

  async show (main: HTMLElement): Promise<void> {
    const player = this.#player
    let tracks = player.queue.inOrder
    const facts = element('p', { className: 'hero-facts' })
    const list = this.#list = new TrackList({
      label: 'Queue',
      player,
      isNumbered: true,
      trackAt: index => tracks[index],
      isCurrent: index => index === player.queue.state.position,
      onPlay: index => {
        if (index === player.queue.state.position) player.toggle()
        else player.playAt(index)
      },
      actions: index => index === player.queue.state.position
        ? []
        : [{
            icon: 'remove',
            label: name => `Remove ${name} from the queue`,
            run: () => {
              player.queue.remove(index)
              player.queueChanged()
            }
          }]
    })
    const update = () => {
      tracks = player.queue.inOrder
      facts.textContent = count(tracks.length, 'track')
      list.resize(tracks.length)
    }
    main.replaceChildren(
      element('header', { className: 'hero is-plain' }, element('div', { className: 'hero-text' }, element('h1', {}, 'Queue'), facts)),
      ...tracks.length > 0 ? [list.list] : [emptyNotice('The queue is empty', 'Choose a track, and what follows it will be here.')]
    )
    update()
    let order = player.queue.state.order.join()
    player.addEventListener('change', () => {
      const present = player.queue.state.order.join()
      if (present !== order) update()
      order = present
    }, { signal: this.#stop.signal })
  }

  close (): void {
    this.#stop.abort()
    this.#list?.close()
  }
}
