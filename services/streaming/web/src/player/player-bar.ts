import { encodePath, titleOf } from '../api/library.ts'
import { QUALITIES } from '../api/qualities.ts'
import type { Serving } from '../api/serving.ts'
import { coverOf } from '../browse/cover.ts'
import { element, find, setIcon } from '../dom.ts'
import { clock, megabytes, spoken } from '../format.ts'
import { folderOf, folderUrl, leaveOver, openedOver } from '../places.ts'
import type { Player } from './player.ts'
import type { Repeat } from './queue.ts'

const SEEK_STEPS = 1000

/** What is said about where the bytes come from. */
const OUTCOMES: Record<Serving['outcome'], string> = {
  kept: 'from this device',
  hit: 'from the cache',
  live: 'transcoded while you listen',
  miss: 'original, not transcoded yet',
  original: 'original'
}

const REPEATS: Record<Repeat, { next: Repeat, label: string, icon: string }> = {
  off: { next: 'all', label: 'Repeat: off', icon: 'repeat' },
  all: { next: 'one', label: 'Repeat: all', icon: 'repeat' },
  one: { next: 'off', label: 'Repeat: this track', icon: 'repeat-one' }
}

/** Connects the player at the bottom of the page: its buttons, and what it shows. */
export function startPlayerBar (player: Player): void {
  const bar = find('#player')
  const seek = find<HTMLInputElement>('#seek')
  const volume = find<HTMLInputElement>('#volume')
  const on = (id: string, listener: () => void) => { find(id).addEventListener('click', listener) }
  let isSeeking = false

  on('#play', () => { player.toggle() })
  on('#next', () => { player.next() })
  on('#previous', () => { player.previous() })
  on('#close-problem', () => {
    player.closeProblem()
    find('#play').focus()
  })
  on('#shuffle', () => {
    player.queue.setShuffled(!player.queue.state.isShuffled)
    player.queueChanged()
  })
  on('#repeat', () => {
    player.queue.setRepeat(REPEATS[player.queue.state.repeat].next)
    player.queueChanged()
  })
  seek.addEventListener('input', () => {
    isSeeking = true
    showTime()
  })
  seek.addEventListener('change', () => {
    isSeeking = false
    player.seek(player.current.duration * Number(seek.value) / SEEK_STEPS)
  })
  volume.addEventListener('input', () => { player.setVolume(Number(volume.value) / 100) })
  startExpanding(bar)

  let shown: string | undefined
  const show = () => {
    const { current: { track }, queue: { state }, isPlaying, problem } = player
    bar.hidden = track === undefined
    if (!track) return
    if (shown !== track.path) showTrack()
    shown = track.path
    find('#play').setAttribute('aria-label', isPlaying ? 'Pause' : 'Play')
    setIcon(find('#play svg'), isPlaying ? 'pause' : 'play')
    find('#shuffle').setAttribute('aria-pressed', `${state.isShuffled}`)
    const repeat = REPEATS[state.repeat]
    find('#repeat').setAttribute('aria-label', repeat.label)
    find('#repeat').classList.toggle('is-on', state.repeat !== 'off')
    setIcon(find('#repeat svg'), repeat.icon)
    volume.value = `${Math.round(player.volume * 100)}`
    volume.style.setProperty('--played', `${player.volume * 100}%`)
    if (find('#problem').textContent !== problem) find('#problem').textContent = problem
    find('#close-problem').hidden = problem === ''
    showServing()
    showTime()
  }
  player.addEventListener('change', show)
  player.addEventListener('time', () => { showTime() })
  show()

  function showTrack (): void {
    const { track } = player.current
    if (!track) return
    const name = titleOf(track)
    const title = find<HTMLAnchorElement>('#now-title')
    title.textContent = name
    title.href = track.place ?? folderUrl(folderOf(track.path))
    find('#now-artist').textContent = [track.artist, track.album].filter(text => text).join(' — ')
    find('#expand').replaceChildren(coverOf(track.path, { pixels: 512, name: track.album ?? name, isFolder: false }))
    document.documentElement.style.setProperty('--now-cover', `url("/cover/${encodePath(track.path)}?size=96")`)
  }

  /** Quality, rate, format, and where it comes from. */
  function showServing (): void {
    const { serving, failure, quality, kbits } = player.current
    const output = find<HTMLOutputElement>('#serving')
    if (!serving || !quality) {
      output.textContent = failure?.message ?? ''
      return
    }
    const isAsIs = serving.outcome === 'original' || serving.outcome === 'miss'
    const level = QUALITIES[isAsIs ? 'original' : quality].name
    output.replaceChildren(
      element('span', { className: `badge is-${serving.outcome}`, title: `Cache: ${serving.outcome}` }, serving.outcome),
      ` ${level} · ${serving.format}${kbits ? ` ${kbits} kbit/s` : ''}`
    )
  }

  function showTime (): void {
    const { audio, duration, bufferedEnd, bytesSaved, serving } = player.current
    const seconds = isSeeking ? duration * Number(seek.value) / SEEK_STEPS : audio.currentTime
    const share = duration > 0 ? Math.min(seconds / duration, 1) : 0
    if (!isSeeking) seek.value = `${Math.round(share * SEEK_STEPS)}`
    seek.style.setProperty('--played', `${share * 100}%`)
    seek.style.setProperty('--buffered', `${duration > 0 ? bufferedEnd / duration * 100 : 0}%`)
    seek.setAttribute('aria-valuetext', `${spoken(seconds)} of ${spoken(duration)}`)
    bar.style.setProperty('--share', `${share}`)
    find('#elapsed').textContent = clock(seconds)
    find('#duration').textContent = clock(duration || undefined)
    const saved = player.bytesSavedBefore + bytesSaved
    find('#saved').textContent = [
      ...serving ? [`${megabytes(serving.size)} ${OUTCOMES[serving.outcome]}`] : [], ...saved >= 50_000 ? [`${megabytes(saved)} saved`] : []
    ].join(' · ')
  }
}

/** On a narrow screen the player is small, and fills the screen on request. */
function startExpanding (bar: HTMLElement): void {
  const narrow = matchMedia('(max-width: 820px)')
  const show = (isExpanded: boolean) => {
    bar.classList.toggle('is-expanded', isExpanded)
    find('#expand').setAttribute('aria-expanded', `${isExpanded}`)
    for (const other of document.querySelectorAll<HTMLElement>('.top, main')) other.inert = isExpanded
  }
  const collapse = () => {
    const hadFocus = bar.contains(document.activeElement)
    show(false)
    if (hadFocus) find('#expand').focus()
  }
  find('#expand').addEventListener('click', () => {
    if (bar.classList.contains('is-expanded')) return leaveOver()
    show(true)
    find('#collapse').focus()
    openedOver(collapse)
  })
  find('#collapse').addEventListener('click', leaveOver)
  bar.addEventListener('keydown', ({ key }) => { if (key === 'Escape') leaveOver() })
  const onWidth = () => {
    find('#expand').inert = !narrow.matches // on a wide screen it is only a picture
    leaveOver()
  }
  narrow.addEventListener('change', onWidth)
  onWidth()
}
