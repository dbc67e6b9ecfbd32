import { encodePath } from './api/library.ts'
import { PLACE } from './place-pattern.ts'

/** What the page shows. Each place has a URL of its own. */
export type Place = { view: 'folder', path: string, filter: string } | { view: 'queue' } | { view: 'mixtape', slug: string } |
  { view: 'mixtapes' } | { view: 'edit' }

/** @returns the URL of a folder */
export function folderUrl (path: string, filter = ''): string {
  const query = filter ? `?${new URLSearchParams({ filter })}` : ''
  return `${path ? `/browse/${encodePath(path)}` : '/'}${query}`
}

/** @returns the folder of a track */
export function folderOf (path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0))
}

/** What lies over the place, such as the large player on a phone. */
let over: { url: string, close: () => void } | undefined

/** Something was opened over the place. Back closes it, and the place stays. */
export function openedOver (close: () => void): void {
  history.replaceState({ scrollTop: window.scrollY }, '')
  history.pushState({ scrollTop: window.scrollY }, '')
  over = { url: location.href, close }
}

/** Goes back from what lies over the place. */
export function leaveOver (): void {
  if (over) history.back()
}

/** @returns the place of the present URL */
export function currentPlace (): Place {
  const { pathname, search } = location
  if (pathname === '/queue') return { view: 'queue' }
  if (pathname === '/mixtape') return { view: 'mixtapes' }
  if (pathname === '/edit') return { view: 'edit' }
  const slug = pathname.match(/^\/mixtape\/([^/]+)$/)?.[1]
  if (slug) return { view: 'mixtape', slug }
  const filter = new URLSearchParams(search).get('filter') ?? ''
  try {
    return { view: 'folder', path: decodeURIComponent(pathname.replace(/^\/(browse\/)?/, '')).replace(/\/$/, ''), filter }
  } catch {
    return { view: 'folder', path: '', filter: '' } // a URL that was cut in the middle of a character
  }
}

/**
 * Shows the place of the URL, now and whenever it changes. Links to other places need no reload.
 *
 * @param show shows a place, and resolves when it has its full height, so that the browser can scroll there
 */
export function startPlaces (show: (place: Place) => Promise<void>): void {
  history.scrollRestoration = 'manual' // the browser would scroll before the list is there
  let latest = 0

  const visit = async (scrollTop: number) => {
    const visitNumber = ++latest
    await show(currentPlace())
    if (visitNumber === latest) window.scrollTo(0, scrollTop)
  }
  const rememberScroll = () => { history.replaceState({ scrollTop: window.scrollY }, '') }

  document.addEventListener('click', event => {
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
    if (link.origin !== location.origin || link.hash || !PLACE.test(link.pathname)) return
    event.preventDefault()
    goTo(link.href)
  })
  addEventListener('popstate', ({ state }) => {
    const isSame = over?.url === location.href
    closeOver()
    if (!isSame) visit(state?.scrollTop ?? 0)
  })
  addEventListener('go', () => { visit(0) })
  addEventListener('scrollend', rememberScroll)
  addEventListener('pagehide', rememberScroll)
  visit(history.state?.scrollTop ?? 0)
}

/** Goes to another place of the page. */
export function goTo (url: string): void {
  if (over) {
    closeOver()
    return replacePlace(url) // Back goes to the place, and not to what lay over it
  }
  history.replaceState({ scrollTop: window.scrollY }, '')
  history.pushState({ scrollTop: 0 }, '', url)
  dispatchEvent(new Event('go'))
}

/** Shows another place instead of the present one, which is left out when one goes back. */
export function replacePlace (url: string): void {
  history.replaceState({ scrollTop: 0 }, '', url)
  dispatchEvent(new Event('go'))
}

function closeOver (): void {
  over?.close()
  over = undefined
}
