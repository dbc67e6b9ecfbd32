import { find } from './dom.ts'

/** Time for which a message is shown. */
const SHOWN_MS = 5000

let timer: number | undefined

/** Says in a message that goes away, and to screen readers, what a click has done. */
export function announce (text: string): void {
  const message = find('#announcement')
  message.textContent = text
  message.classList.add('is-shown')
  clearTimeout(timer)
  timer = window.setTimeout(() => { message.classList.remove('is-shown') }, SHOWN_MS)
}
