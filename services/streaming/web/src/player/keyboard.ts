import type { Player } from './player.ts'

const SEEK_SECONDS = 5

/** Elements that use the keys themselves. */
const OWN_KEYS = 'input, select, textarea, [contenteditable]'

/** Buttons that start to play something. */
const STARTING = '.row-play, .is-starting'

/**
 * Space plays and pauses, the left and right arrows seek, j and k go to the next and the previous track. The up and down
 * arrows move through the list of tracks, or scroll.
 */
export function startKeyboard (player: Player): void {
  const actions: Record<string, () => void> = {
    ' ': () => { player.toggle() },
    ArrowLeft: () => { player.seek(player.current.audio.currentTime - SEEK_SECONDS) },
    ArrowRight: () => { player.seek(player.current.audio.currentTime + SEEK_SECONDS) },
    j: () => { player.next() },
    k: () => { player.previous() }
  }
  document.addEventListener('keydown', event => {
    const { key, target } = event
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !(target instanceof Element)) return
    // The seek bar has no use for the other keys, and by an arrow it would move by a thousandth of the track.
    const isSeekBar = target.id === 'seek' && key in actions
    if ((target.matches(OWN_KEYS) && !isSeekBar) || (key === ' ' && target.closest('button, a, summary'))) return
    const action = actions[key]
    if (!action || !player.current.track) return
    event.preventDefault()
    action()
  })
  // After a click with the pointer, Space pauses what plays. On a button that has the focus, it would start that again.
  document.addEventListener('click', ({ target, detail }) => {
    const button = target instanceof Element ? target.closest<HTMLElement>(STARTING) : null
    if (detail > 0) button?.blur()
  }, { capture: true }) // before the row is made anew, with the focus
}
