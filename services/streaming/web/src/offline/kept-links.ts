import { element } from '../dom.ts'
import { keptMixtapes } from './store.ts'

/** Adds links to the mixtapes that are kept on this device to a notice that something else cannot be shown. */
export async function addKeptLinks (notice: HTMLElement): Promise<void> {
  const kept = await keptMixtapes().catch(() => []) // nothing is kept where storage is forbidden
  if (kept.length === 0) return
  notice.append(element('section', { className: 'kept-links' },
    element('h2', {}, 'On this device'),
    element('ul', { role: 'list' }, ...kept.map(({ slug, title }) => element('li', {}, element('a', { href: `/mixtape/${slug}` }, title))))))
}
