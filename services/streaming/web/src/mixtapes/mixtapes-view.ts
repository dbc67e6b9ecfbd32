import { listMixtapes, mixtapeCoverUrl } from '../api/mixtapes.ts'
import { pictureOf } from '../browse/cover.ts'
import { emptyNotice } from '../browse/notices.ts'
import { element, icon } from '../dom.ts'
import { count } from '../format.ts'
import { goTo } from '../places.ts'
import { confirm } from './confirm.ts'
import { draft } from './draft.ts'

/** Shows all mixtapes to the admin. */
export class MixtapesView {
  readonly #closing = new AbortController()

  async show (main: HTMLElement): Promise<void> {
    const mixtapes = await listMixtapes(this.#closing.signal)
    main.replaceChildren(
      element('header', { className: 'hero is-plain' }, element('div', { className: 'hero-text' },
        element('h1', {}, 'Mixtapes'),
        element('p', { className: 'hero-facts' }, count(mixtapes.length, 'mixtape')),
        element('div', { className: 'hero-actions' },
          element('button', { className: 'pill primary', click: () => { this.#startNew() } }, icon('add'), 'New mixtape')))),
      mixtapes.length > 0
        ? element('ul', { className: 'shelf', role: 'list', 'aria-label': 'Mixtapes' }, ...mixtapes.map(({ slug, title = slug, total }) =>
          element('li', {}, element('a', { className: 'card', href: `/mixtape/${slug}` },
            pictureOf(mixtapeCoverUrl(slug), { name: title }),
            element('span', { className: 'card-name' }, title),
            element('span', { className: 'card-facts' }, count(total, 'track'))))))
        : emptyNotice('No mixtapes yet', 'Gather tracks while you browse: the cassette beside a track adds it to a new mixtape.'))
  }

  close (): void {
    this.#closing.abort()
  }

  /** A new mixtape that was begun goes on. A saved one that is edited is left. */
  async #startNew (): Promise<void> {
    const { slug, title, isChanged } = draft.state
    if (slug) {
      if (isChanged && !await confirm(`“${title}” is not saved. Make a new mixtape instead?`, 'Discard and make')) return
      draft.clear()
    }
    goTo('/edit')
  }
}
