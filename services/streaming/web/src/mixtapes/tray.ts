import { find } from '../dom.ts'
import { count } from '../format.ts'
import { draft } from './draft.ts'

/** The cassette at the top of the page: how many tracks were gathered, and the way to them or to all mixtapes. */
export function startTray (): void {
  const link = find<HTMLAnchorElement>('#to-mixtapes')
  const badge = find('#to-mixtapes .count')
  const show = () => {
    const { tracks, isChanged } = draft.state
    link.href = isChanged ? '/edit' : '/mixtape'
    const label = isChanged ? `Your mixtape: ${count(tracks.length, 'track')}` : 'Mixtapes'
    link.setAttribute('aria-label', label)
    link.title = label
    badge.hidden = !isChanged
    badge.textContent = `${tracks.length}`
  }
  draft.addEventListener('change', show)
  show()
}
