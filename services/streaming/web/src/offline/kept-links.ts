import { element, find } from '../dom.ts'
import { keeperOf } from './keeper.ts'
import { keptMixtape, keptMixtapes } from './store.ts'

/** Adds links to the mixtapes that are kept on this device to a notice that something else cannot be shown. */
export async function addKeptLinks (notice: HTMLElement): Promise<void> {
  const kept = await keptMixtapes().catch(() => []) // nothing is kept where storage is forbidden
  if (kept.length === 0) return
  notice.append(element('section', { className: 'kept-links' },
    element('h2', {}, 'On this device'),
    element('ul', { role: 'list' }, ...kept.map(({ slug, title }) => element('li', {}, element('a', { href: `/mixtape/${slug}` }, title))))))
}

/** Adds a button that removes a mixtape from this device to a notice that the server has it no more. */
export async function addRemoval (notice: HTMLElement, slug: string): Promise<void> {
  const kept = await keptMixtape(slug).catch(() => undefined) // nothing is kept where storage is forbidden
  if (!kept) return
  const text = element('p', { role: 'status' }, 'It is still on this device.')
  const button = element('button', {
    className: 'pill',
    click: async () => {
      await keeperOf(slug).remove()
      text.textContent = 'It was removed from this device.'
      button.remove()
      find('#main').focus()
    }
  }, 'Remove from this device')
  notice.append(text, button)
}
