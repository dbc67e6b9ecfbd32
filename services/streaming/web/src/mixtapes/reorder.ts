/** Within this distance of an edge of the screen, a dragged row scrolls the page, in pixels. */
const EDGE = 120

/**
 * Lets one move the rows of a list: by dragging their handles, and with the arrow keys on a handle.
 *
 * @param list its children are the rows, each with a `.handle`
 * @param onMove called when a row is to be at another position
 */
export function makeReorderable (list: HTMLElement, onMove: (from: number, to: number) => void): void {
  const indexOf = (row: Element) => [...list.children].indexOf(row)

  list.addEventListener('keydown', event => {
    const row = rowOf(event)
    if (!row) return
    const from = indexOf(row)
    const last = list.children.length - 1
    const to = { ArrowUp: from - 1, ArrowDown: from + 1, Home: 0, End: last }[event.key]
    if (to === undefined) return
    event.preventDefault()
    if (to >= 0 && to <= last && to !== from) onMove(from, to)
  })

  list.addEventListener('pointerdown', event => {
    const row = rowOf(event)
    if (!row || event.button !== 0) return
    const from = indexOf(row)
    const handle = event.target as Element
    handle.setPointerCapture(event.pointerId)
    row.classList.add('is-dragged')

    const drag = ({ clientY }: PointerEvent) => {
      if (clientY < EDGE) window.scrollBy(0, -12)
      else if (clientY > window.innerHeight - EDGE) window.scrollBy(0, 12)
      // The other rows move: the handle would lose the pointer if its row were taken out of the list.
      while (row.previousElementSibling && clientY < middle(row.previousElementSibling)) row.after(row.previousElementSibling)
      while (row.nextElementSibling && clientY > middle(row.nextElementSibling)) row.before(row.nextElementSibling)
    }
    const drop = () => {
      handle.removeEventListener('pointermove', drag as EventListener)
      row.classList.remove('is-dragged')
      const to = indexOf(row)
      if (to !== from) onMove(from, to)
    }
    handle.addEventListener('pointermove', drag as EventListener)
    handle.addEventListener('lostpointercapture', drop, { once: true })
  })
}

function rowOf ({ target }: Event): HTMLElement | null {
  const handle = target instanceof Element ? target.closest('.handle') : null
  return handle?.closest('li') ?? null
}

function middle (row: Element): number {
  const { top, height } = row.getBoundingClientRect()
  return top + height / 2
}
