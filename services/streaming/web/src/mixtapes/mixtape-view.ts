import type { TrackEntry } from '../api/library.ts'
import { fetchMixtape, mayEdit, mixtapeCoverUrl, type MixtapeTracks } from '../api/mixtapes.ts'
import { pictureOf } from '../browse/cover.ts'
import { queueAction } from '../browse/queue-action.ts'
import { TrackList } from '../browse/track-list.ts'
import { element, icon } from '../dom.ts'
import { countAndLength } from '../format.ts'
import { KeepControl } from '../offline/keep-control.ts'
import { goTo } from '../places.ts'
import type { Player } from '../player/player.ts'
import type { QueuedTrack } from '../player/queue.ts'
import { confirm } from './confirm.ts'
import { draft } from './draft.ts'
import { Readiness } from './readiness.ts'
import { shareButton } from './share-button.ts'

/** After a change of the progress, the tracks are fetched again at the latest after this time. */
const REFRESH_MS = 2000

/** Shows a mixtape to everyone who has its link. */
export class MixtapeView {
  readonly #player: Player
  readonly #slug: string
  readonly #closing = new AbortController()
  #mixtape: MixtapeTracks | undefined
  #list: TrackList | undefined
  #readiness: Readiness | undefined
  #keep: KeepControl | undefined
  #refresh: number | undefined

  constructor (player: Player, slug: string) {
    this.#player = player
    this.#slug = slug
  }

  async show (main: HTMLElement): Promise<void> {
    const mixtape = this.#mixtape = await fetchMixtape(this.#slug, this.#closing.signal)
    this.#readiness = new Readiness(this.#slug, this.#player, () => { this.#refreshSoon() })
    this.#keep = new KeepControl(mixtape, this.#player.quality)
    const { list } = this.#list = this.#trackList()
    main.replaceChildren(this.#header(mixtape), list)
    this.#list.resize(mixtape.tracks.length)
  }

  close (): void {
    this.#closing.abort()
    clearTimeout(this.#refresh)
    this.#readiness?.close()
    this.#keep?.close()
    this.#list?.close()
  }

  #header ({ slug, title = slug, tracks }: MixtapeTracks): HTMLElement {
    return element('header', { className: 'hero is-mixtape' },
      pictureOf(mixtapeCoverUrl(slug), { name: title }),
      element('div', { className: 'hero-text' },
        element('p', { className: 'hero-kind' }, 'Mixtape'),
        element('h1', {}, title),
        element('p', { className: 'hero-facts' }, countAndLength(tracks)),
        element('div', { className: 'hero-actions' },
          element('button', { className: 'pill primary is-starting', click: () => { this.#play(0) } }, icon('play'), 'Play'),
          shareButton(title),
          this.#exportLink(),
          this.#keep?.button,
          mayEdit() ? element('button', { className: 'pill', click: () => { this.#edit() } }, icon('edit'), 'Edit') : undefined),
        this.#readiness?.element,
        this.#keep?.panel))
  }

  /** The playlist has the quality that is chosen when the link is followed. */
  #exportLink (): HTMLElement {
    const url = () => `/mixtapes/${this.#slug}/playlist.m3u8?quality=${this.#player.quality}`
    const link = element('a', { className: 'pill', href: url(), download: '', click: () => { link.href = url() } }, icon('import'), 'Export')
    return link
  }

  #trackList (): TrackList {
    const player = this.#player
    return new TrackList({
      label: 'Tracks',
      player,
      isNumbered: true,
      hasCovers: true,
      trackAt: index => this.#mixtape?.tracks[index],
      isCurrent: index => this.#isCurrent(index),
      onPlay: index => {
        if (this.#isCurrent(index)) player.toggle()
        else this.#play(index)
      },
      actions: (_, track) => track.size === undefined ? [] : [queueAction(player, this.#queued(track))]
    })
  }

  /** A track may be here twice. The second time that it is in the queue stands for its second row. */
  #isCurrent (index: number): boolean {
    const { current: { track }, queue } = this.#player
    const tracks = this.#mixtape?.tracks ?? []
    if (!track || tracks[index]?.path !== track.path) return false
    const rows = tracks.flatMap(({ path }, row) => path === track.path ? [row] : [])
    return rows[Math.min(queue.timesBefore(track.path), rows.length - 1)] === index
  }

  /** Plays from a track on to the last one. Tracks that are not in the library any more are left out. */
  #play (index: number): void {
    const tracks = this.#mixtape?.tracks ?? []
    const isThere = ({ size }: TrackEntry) => size !== undefined
    const start = tracks.slice(0, index).filter(isThere).length
    const playable = tracks.filter(isThere).map(track => this.#queued(track))
    if (start < playable.length) this.#player.playAll(playable, start)
  }

  /** A friend may not look through the folder of a track, but may come back here. */
  #queued (track: TrackEntry): QueuedTrack {
    return { ...track, place: `/mixtape/${this.#slug}` }
  }

  async #edit (): Promise<void> {
    const { isChanged, title: other } = draft.state
    if (isChanged && draft.state.slug !== this.#slug) {
      if (!await confirm(`“${other || 'The new mixtape'}” is not saved. Edit this one instead?`, 'Discard and edit')) return
      draft.clear()
    }
    if (!draft.state.isChanged && this.#mixtape) draft.open(this.#slug, this.#mixtape.title ?? this.#slug, this.#mixtape.tracks)
    goTo('/edit')
  }

  /** Fetches again which qualities of the tracks are ready. Many changes share one request. */
  #refreshSoon (): void {
    this.#refresh ??= window.setTimeout(async () => {
      this.#refresh = undefined
      const mixtape = await fetchMixtape(this.#slug, this.#closing.signal).catch(() => undefined)
      if (!mixtape) return // the next change, or the next visit, tries again
      this.#mixtape = mixtape
      this.#list?.resize(mixtape.tracks.length)
    }, REFRESH_MS)
  }
}
