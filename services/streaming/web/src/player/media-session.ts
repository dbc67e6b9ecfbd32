import { encodePath, titleOf } from '../api/library.ts'
import type { Player } from './player.ts'

/** Seconds of the keys and buttons that seek. */
const SEEK_SECONDS = 10

/** Shows the track on lock screens, and listens to the keys of headsets and keyboards. */
export function startMediaSession (player: Player): void {
  if (!('mediaSession' in navigator)) return
  const { mediaSession: session } = navigator
  const handlers: [MediaSessionAction, MediaSessionActionHandler][] = [
    ['play', () => { player.play() }],
    ['pause', () => { player.pause() }],
    ['previoustrack', () => { player.previous() }],
    ['nexttrack', () => { player.next() }],
    ['seekto', ({ seekTime = 0 }) => { player.seek(seekTime) }],
    ['seekbackward', ({ seekOffset = SEEK_SECONDS }) => { player.seek(player.current.audio.currentTime - seekOffset) }],
    ['seekforward', ({ seekOffset = SEEK_SECONDS }) => { player.seek(player.current.audio.currentTime + seekOffset) }]
  ]
  for (const [action, handler] of handlers) {
    try {
      session.setActionHandler(action, handler)
    } catch {
      // this browser does not know the action
    }
  }
  let shown: string | undefined
  player.addEventListener('change', () => {
    const { track, audio, duration } = player.current
    session.playbackState = player.isPlaying ? 'playing' : 'paused'
    if (track && track.path !== shown) {
      shown = track.path
      session.metadata = new MediaMetadata({
        title: titleOf(track),
        artist: track.artist ?? '',
        album: track.album ?? '',
        artwork: [{ src: `/cover/${encodePath(track.path)}?size=512`, sizes: '512x512', type: 'image/webp' }]
      })
    }
    if (duration > 0) session.setPositionState({ duration, position: Math.min(audio.currentTime, duration) })
  })
}
