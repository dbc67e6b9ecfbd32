import { element, find } from '../dom.ts'
import { currentPlace, folderUrl, replacePlace, type Place } from '../places.ts'

/** Time after the last key in which the filter is not applied yet. */
const TYPING_MS = 150

/** Shows the way to a place as links, and its filter. */
export function showCrumbs (place: Place): void {
  const names = place.view === 'folder' ? place.path.split('/').filter(name => name) : []
  const crumbs = names.map((name, index) => element('li', {},
    element('a', { href: folderUrl(names.slice(0, index + 1).join('/')), 'aria-current': index === names.length - 1 ? 'page' : undefined }, name)))
  find('#crumbs').replaceChildren(...crumbs)
  const input = find<HTMLInputElement>('#filter')
  if (input.form) input.form.hidden = place.view !== 'folder'
  const filter = place.view === 'folder' ? place.filter : ''
  if (input.value.trim() !== filter) input.value = filter // while one types, a space at the end stays
}

/** Filters the folder while one types. */
export function startFilter (): void {
  const input = find<HTMLInputElement>('#filter')
  let timer: number | undefined
  const apply = () => {
    clearTimeout(timer)
    const place = currentPlace()
    if (place.view === 'folder' && place.filter !== input.value.trim()) replacePlace(folderUrl(place.path, input.value.trim()))
  }
  input.addEventListener('input', () => {
    clearTimeout(timer)
    timer = window.setTimeout(apply, TYPING_MS)
  })
  input.form?.addEventListener('submit', event => {
    event.preventDefault()
    apply()
  })
}
