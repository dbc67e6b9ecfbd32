import { FolderPages } from '../api/folder-pages.ts'
import { titleOf, type TrackEntry } from '../api/library.ts'
import { announce } from '../announce.ts'
import { element, icon } from '../dom.ts'
import { count, countAndLength } from '../format.ts'
import { draft } from '../mixtapes/draft.ts'
import type { Player } from '../player/player.ts'
import { coverOf } from './cover.ts'
import { FolderCards } from './folder-cards.ts'
import { queueAction } from './queue-action.ts'
import { emptyNotice } from './notices.ts'
import { TrackList } from './track-list.ts'

/** Shows a folder: its cover, its folders as cards, its tracks as a list. */
export class FolderView {
  readonly #player: Player
  readonly #pages: FolderPages
  #cards: FolderCards | undefined
  #list: TrackList | undefined

  /** @param onError called when a later page cannot be fetched */
  constructor (player: Player, path: string, filter: string, onError: (error: Error) => void) {
    this.#player = player
    this.#pages = new FolderPages(path, filter, {
      onLoaded: () => {
        this.#cards?.redraw()
        this.#list?.redraw()
      },
      onError
    })
  }

  /** Fetches the first page, and shows it in an element. */
  async show (main: HTMLElement): Promise<void> {
    const pages = this.#pages
    await pages.start()
    const tracks = pages.total - pages.folders
    const sections: HTMLElement[] = [this.#header(tracks)]
    if (pages.folders > 0) sections.push((this.#cards = new FolderCards(pages)).list)
    if (tracks > 0) sections.push((this.#list = this.#trackList()).list)
    if (pages.total === 0) {
      sections.push(pages.filter
        ? emptyNotice('Nothing matches', `Nothing in this folder or below it contains “${pages.filter}”.`)
        : emptyNotice('Nothing to play here', 'This folder contains no tracks.'))
    }
    main.replaceChildren(...sections)
    this.#cards?.layOut()
    this.#list?.resize(tracks)
  }

  close (): void {
    this.#pages.close()
    this.#cards?.close()
    this.#list?.close()
  }

  #header (tracks: number): HTMLElement {
    const { path, folders } = this.#pages
    const known = this.#knownTracks()
    const album = known.length === tracks ? shared(known, 'album') : undefined
    const name = (path === '' ? undefined : album ?? path.slice(path.lastIndexOf('/') + 1)) ?? 'Music'
    const artist = shared(known, 'artist')
    const facts = [
      ...folders > 0 ? [count(folders, 'folder')] : [], ...tracks > 0 ? [countAndLength(known, tracks)] : []
    ].join(' · ')
    return element('header', { className: tracks > 0 && path !== '' ? 'hero' : 'hero is-plain' },
      tracks > 0 && path !== '' ? coverOf(path, { pixels: 512, name, isFolder: true }) : undefined,
      element('div', { className: 'hero-text' },
        element('h1', {}, name),
        artist ? element('p', { className: 'hero-artist' }, artist) : undefined,
        element('p', { className: 'hero-facts' }, facts),
        tracks > 0
          ? element('div', { className: 'hero-actions' },
            element('button', { className: 'pill primary is-starting', click: () => { this.#play(0, known[0]) } }, icon('play'), 'Play'),
            element('button', { className: 'pill is-starting', click: () => { this.#shuffle() } }, icon('shuffle'), 'Shuffle'),
            element('button', { className: 'pill', click: () => { this.#addAll() } }, icon('tape'), 'Add to mixtape'))
          : undefined))
  }

  #trackList (): TrackList {
    const { folders } = this.#pages
    const player = this.#player
    return new TrackList({
      label: 'Tracks',
      player,
      trackAt: index => {
        const entry = this.#pages.get(folders + index)
        return entry?.type === 'track' ? entry : undefined
      },
      isCurrent: (_, { path }) => player.current.track?.path === path,
      onPlay: (index, track) => {
        if (player.current.track?.path === track.path) player.toggle()
        else this.#play(index, track)
      },
      actions: (_, track) => [queueAction(player, track), {
        icon: 'tape',
        label: name => `Add ${name} to the mixtape`,
        run: () => {
          draft.add([track])
          announce(`${titleOf(track)} was added to ${draft.name}`)
        }
      }]
    })
  }

  /** Plays at once, and puts the whole folder into the queue, of which some pages may still have to be fetched. */
  async #play (index: number, chosen: TrackEntry | undefined): Promise<void> {
    const track = chosen ?? await this.#firstTrack()
    if (!track) return
    const { queue } = this.#player
    this.#player.playAll([track], 0)
    const started = queue.state.tracks
    const tracks = await this.#allTracks('Only this track is in the queue')
    if (queue.state.tracks !== started || queue.current !== track) return // something else was chosen meanwhile
    const position = tracks[index]?.path === track.path ? index : tracks.findIndex(({ path }) => path === track.path)
    if (position < 0) return
    queue.replace(tracks, position)
    this.#player.queueChanged()
  }

  #shuffle (): void {
    const known = this.#knownTracks()
    const index = Math.floor(Math.random() * known.length)
    this.#player.queue.setShuffled(true)
    this.#play(index, known[index])
  }

  async #addAll (): Promise<void> {
    const tracks = await this.#allTracks('Nothing was added')
    if (tracks.length === 0) return
    draft.add(tracks)
    announce(`${count(tracks.length, 'track')} added to ${draft.name}`)
  }

  /** @returns all tracks of the folder; none where the server does not answer, which is said together with what that means */
  async #allTracks (otherwise: string): Promise<TrackEntry[]> {
    const tracks: TrackEntry[] = []
    try {
      for await (const batch of this.#pages.tracks()) tracks.push(...batch)
      return tracks
    } catch (error) {
      announce(`${otherwise}: ${(error as Error).message}`)
      return []
    }
  }

  /** The first track of a folder whose first page has only folders. */
  async #firstTrack (): Promise<TrackEntry | undefined> {
    try {
      for await (const [track] of this.#pages.tracks()) if (track) return track
    } catch (error) {
      announce(`Nothing is played: ${(error as Error).message}`)
    }
    return undefined
  }

  /** The tracks of the first page. */
  #knownTracks (): TrackEntry[] {
    const { folders, total } = this.#pages
    const known: TrackEntry[] = []
    for (let index = folders; index < Math.min(total, 100); index++) {
      const entry = this.#pages.get(index)
      if (entry?.type === 'track') known.push(entry)
    }
    return known
  }
}

/** @returns the value that all tracks have in common */
function shared (tracks: TrackEntry[], field: 'album' | 'artist'): string | undefined {
  const value = tracks[0]?.[field]
  return tracks.every(track => track[field] === value) ? value : undefined
}
