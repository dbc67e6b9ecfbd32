import { element, icon } from '../dom.ts'

/** A button that hands the link of the page on: by the system's own dialog, else by the clipboard, else as a text to copy. */
export function shareButton (title: string): HTMLElement {
  const label = element('span', {}, 'Share')
  const link = element('input', { className: 'share-link', readOnly: true, hidden: true, 'aria-label': 'Link of this mixtape' })
  const share = async () => {
    const url = location.origin + location.pathname
    try {
      if (typeof navigator.share === 'function') {
        await navigator.share({ title, url })
      } else {
        await navigator.clipboard.writeText(url)
        label.textContent = 'Link copied'
      }
    } catch (error) {
      if ((error as Error).name === 'AbortError') return // the listener has closed the dialog
      link.value = url
      link.hidden = false
      link.select()
    }
  }
  return element('span', { className: 'share' }, element('button', { className: 'pill', click: share }, icon('share'), label), link)
}
