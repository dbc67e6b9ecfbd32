import { RequestError, titleOf, type TrackEntry } from '../api/library.ts'
import { deleteMixtape, newSlug, saveMixtape } from '../api/mixtapes.ts'
import { announce } from '../announce.ts'
import { coverOf } from '../browse/cover.ts'
import { element, icon } from '../dom.ts'
import { clock, count, countAndLength } from '../format.ts'
import { goTo } from '../places.ts'
import { confirm } from './confirm.ts'
import { draft } from './draft.ts'
import { importM3u } from './m3u.ts'
import { makeReorderable } from './reorder.ts'

/** As many as the server takes. */
const MAX_TRACKS = 1000

/** Shows the mixtape that is being made: its title, and its tracks to be ordered and removed. */
export class EditView {
  readonly #list = element('ol', { className: 'tracks edit-tracks', role: 'list', 'aria-label': 'Tracks of the mixtape' })
  readonly #title = element('input', {
    name: 'title',
    value: draft.state.title,
    maxLength: 500,
    autocomplete: 'off',
    placeholder: 'Such as: Songs for the train',
    input: () => { draft.rename(this.#title.value) }
  })

  readonly #facts = element('p', { className: 'hero-facts' })
  readonly #problem = element('div', { className: 'edit-problem', role: 'alert' })
  readonly #hint = element('p', { className: 'edit-hint' },
    'Gather tracks in the ', element('a', { href: '/' }, 'library'), ': the cassette beside a track adds it here. Or import a playlist.')

  readonly #rows = new WeakMap<TrackEntry, HTMLElement>()
  #shown: TrackEntry[] | undefined
  readonly #listening = new AbortController()
  readonly #onDenied: (error: RequestError) => void

  /** @param onDenied called when the admin token is needed */
  constructor (onDenied: (error: RequestError) => void) {
    this.#onDenied = onDenied
  }

  async show (main: HTMLElement): Promise<void> {
    const { slug } = draft.state
    main.replaceChildren(
      element('header', { className: 'hero is-plain' }, element('div', { className: 'hero-text' },
        element('h1', {}, slug ? 'Edit mixtape' : 'New mixtape'),
        element('label', { className: 'edit-title' }, 'Title', this.#title),
        this.#facts, this.#actions(), this.#problem)),
      this.#list, this.#hint)
    makeReorderable(this.#list, (from, to) => {
      draft.move(from, to)
      this.#handle(to)?.focus()
      const { tracks } = draft.state
      announce(`${titleOf(tracks[to] as TrackEntry)} is number ${to + 1} of ${tracks.length}`)
    })
    draft.addEventListener('change', () => { this.#draw() }, { signal: this.#listening.signal })
    this.#draw()
  }

  close (): void {
    this.#listening.abort()
  }

  #actions (): HTMLElement {
    const file = element('input', {
      type: 'file', accept: '.m3u,.m3u8,audio/x-mpegurl', hidden: true, change: () => { this.#import(file) }
    })
    const save = element('button', {
      className: 'pill primary',
      click: () => {
        save.disabled = true // a second click would save a second mixtape
        this.#save().finally(() => { save.disabled = false })
      }
    }, icon('tape'), 'Save')
    return element('div', { className: 'hero-actions' },
      save,
      element('button', { className: 'pill', click: () => { file.click() } }, icon('import'), 'Import M3U'), file,
      element('button', { className: 'pill', click: () => { this.#discard() } }, icon('remove'), 'Discard'),
      draft.state.slug ? element('button', { className: 'pill', click: () => { this.#delete() } }, icon('delete'), 'Delete') : undefined,
      element('a', { className: 'pill', href: '/mixtape' }, 'All mixtapes'))
  }

  #draw (): void {
    const { tracks } = draft.state
    if (tracks === this.#shown) return // only the title has changed
    this.#shown = tracks
    this.#facts.textContent = countAndLength(tracks)
    this.#hint.hidden = tracks.length > 0
    this.#list.replaceChildren(...tracks.map(track => this.#row(track)))
  }

  /** Rows are made once, so that a thousand of them can be moved quickly. */
  #row (track: TrackEntry): HTMLElement {
    const known = this.#rows.get(track)
    if (known) return known
    const name = titleOf(track)
    const row = element('li', { className: 'row' },
      element('button', { className: 'round small handle', 'aria-label': `Move ${name}: arrow keys`, title: 'Drag, or use the arrow keys' }, icon('move')),
      coverOf(track.path, { pixels: 96, name: track.album ?? name, isFolder: false }),
      element('span', { className: 'row-text' },
        element('span', { className: 'row-title' }, name),
        element('span', { className: 'row-artist' }, track.artist ?? track.name)),
      element('span', { className: 'row-time time' }, clock(track.duration)),
      element('button', {
        className: 'round small row-action is-remove',
        'aria-label': `Remove ${name} from the mixtape`,
        title: 'Remove',
        click: () => { this.#remove(track) }
      }, icon('remove')))
    this.#rows.set(track, row)
    return row
  }

  #remove (track: TrackEntry): void {
    const { tracks } = draft.state
    const index = tracks.indexOf(track)
    draft.remove(index)
    this.#handle(Math.min(index, tracks.length - 2))?.focus()
    announce(`${titleOf(track)} was removed`)
  }

  #handle (index: number): HTMLElement | null | undefined {
    return this.#list.children[index]?.querySelector<HTMLElement>('.handle')
  }

  async #save (): Promise<void> {
    const { title, tracks } = draft.state
    const name = title.trim()
    if (name === '') return this.#say('Please give it a title.')
    if (tracks.length === 0) return this.#say('Please add a track.')
    if (tracks.length > MAX_TRACKS) return this.#say(`A mixtape has at most ${count(MAX_TRACKS, 'track')}. Please remove ${tracks.length - MAX_TRACKS}.`)
    const slug = draft.state.slug ?? newSlug(name)
    await this.#try('It was not saved.', async () => {
      await saveMixtape(slug, name, tracks)
      draft.clear()
      goTo(`/mixtape/${slug}`)
    })
  }

  async #delete (): Promise<void> {
    const { slug, title } = draft.state
    if (!slug || !await confirm(`Delete “${title}”? Its link will not work any more.`, 'Delete')) return
    await this.#try('It was not deleted.', async () => {
      await deleteMixtape(slug)
      draft.clear()
      goTo('/mixtape')
    })
  }

  async #discard (): Promise<void> {
    const { slug, isChanged } = draft.state
    if (isChanged && !await confirm(slug ? 'Discard the changes?' : 'Discard this mixtape? It is not saved.', 'Discard')) return
    draft.clear()
    goTo(slug ? `/mixtape/${slug}` : '/mixtape')
  }

  async #import (input: HTMLInputElement): Promise<void> {
    const [file] = input.files ?? []
    input.value = '' // so that the same file can be chosen again
    if (!file) return
    await this.#try('It was not imported.', async () => {
      this.#problem.textContent = `Looking for the tracks of ${file.name} …`
      const { title, tracks, missing } = await importM3u(file)
      if (title && draft.state.title === '') {
        draft.rename(title)
        this.#title.value = title
      }
      draft.add(tracks)
      announce(`${count(tracks.length, 'track')} added`)
      this.#problem.replaceChildren(...missing.length > 0
        ? [element('p', {}, `${count(missing.length, 'line')} of ${file.name} ${missing.length === 1 ? 'names' : 'name'} no track of this library:`),
            element('ul', {}, ...missing.map(({ line, text }) => element('li', {}, `line ${line}: ${text}`)))]
        : [])
    })
  }

  /** Does something that the server may refuse. */
  async #try (failure: string, action: () => Promise<void>): Promise<void> {
    this.#say('')
    try {
      await action()
    } catch (error) {
      if (error instanceof RequestError && error.status === 401) this.#onDenied(error)
      else this.#say(`${failure} ${(error as Error).message}`)
    }
  }

  #say (text: string): void {
    this.#problem.textContent = text
  }
}
