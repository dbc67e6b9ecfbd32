import { titleOf, type TrackEntry } from '../api/library.ts'
import { element, icon } from '../dom.ts'
import { clock } from '../format.ts'
import { coverOf } from './cover.ts'

export interface RowAction {
  /** Name of the icon. */
  icon: string
  /** What it does, with the name of the track. */
  label: (name: string) => string
  run: () => void
}

export interface TrackRowOptions {
  /** Position in the list, from 0, and the length of the list, for screen readers. */
  index: number
  total: number
  isCurrent: boolean
  isPlaying: boolean
  /** Shown instead of the number of the track. */
  number?: number
  onPlay: () => void
  /** Whether the cover of the track is shown. */
  hasCover?: boolean
  /** The buttons at the end of the row. */
  actions: RowAction[]
}

/** Makes the row of a track. While `track` is undefined, its page is being fetched. */
export function trackRow (track: TrackEntry | undefined, options: TrackRowOptions): HTMLElement {
  const { index, total, isCurrent, isPlaying, onPlay, actions } = options
  const row = element('li', { className: 'row', 'aria-posinset': index + 1, 'aria-setsize': total })
  if (!track) {
    row.classList.add('is-loading')
    row.append(element('span', { className: 'row-number' }), element('span', { className: 'row-text' }, '…'))
    return row
  }
  const title = titleOf(track)
  const number = options.number ?? track.track
  const isGone = track.size === undefined
  if (isGone) row.classList.add('is-gone')
  if (isCurrent) row.classList.add('is-current')
  if (isCurrent && isPlaying) row.classList.add('is-playing')
  row.append(
    element('button', { className: 'row-play', 'aria-current': isCurrent ? 'true' : undefined, disabled: isGone, click: onPlay },
      element('span', { className: 'row-number', 'aria-hidden': 'true' },
        element('span', { className: 'row-digits' }, number === undefined ? '·' : `${number}`), icon('play'),
        element('span', { className: 'bars' }, element('i'), element('i'), element('i'))),
      options.hasCover ? coverOf(track.path, { pixels: 96, name: track.album ?? title, isFolder: false }) : undefined,
      element('span', { className: 'row-text' },
        element('span', { className: 'row-title' }, title),
        element('span', { className: 'row-artist' }, isGone ? 'Not in the library any more' : track.artist ?? (track.title === undefined ? '' : track.name)))),
    isGone ? '' : readiness(track),
    element('span', { className: 'row-time time' }, clock(track.duration)),
    ...actions.map(({ icon: name, label, run }) => element('button', {
      className: `round small row-action is-${name}`, 'aria-label': label(title), title: label(title), click: run
    }, icon(name)))
  )
  return row
}

/** Which qualities play at once, as letters that are lit. */
function readiness ({ transcoded, cached }: TrackEntry): HTMLElement {
  if (!transcoded) return element('span', { className: 'ready', title: 'Played as it is at every quality' }, element('span', { className: 'ready-as-is' }, 'as is'))
  const label = cached.length > 0 ? `Ready at ${cached.join(', ')}` : 'No quality is ready: the original is played first'
  return element('span', { className: 'ready', title: label },
    element('span', { className: 'hidden' }, label),
    ...(['high', 'medium', 'low'] as const).map(quality => element('span', {
      className: cached.includes(quality) ? 'ready-level is-ready' : 'ready-level', 'aria-hidden': 'true'
    }, quality.slice(0, 1).toUpperCase())))
}
