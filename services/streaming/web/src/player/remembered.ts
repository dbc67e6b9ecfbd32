import { load, local, save, session } from '../storage.ts'
import type { Player } from './player.ts'
import type { QueueState } from './queue.ts'

/** Time between two writes of the place in the track. */
const INTERVAL_MS = 2000

/** Restores queue, place, volume and savings from the last visit, and remembers them from now on. */
export function rememberPlayer (player: Player): void {
  const queue = load<QueueState>(local, 'queue')
  const place = load<{ path: string, seconds: number }>(local, 'place')
  player.setVolume(load<number>(local, 'volume') ?? 1)
  player.bytesSavedBefore = load<number>(session, 'bytesSaved') ?? 0
  if (queue) player.queue.restore(queue)
  const { current } = player.queue
  if (current) player.prepare(place?.path === current.path ? place.seconds : 0)

  let saved = ''
  let lastSave = 0
  const savePlace = () => {
    const { track, audio } = player.current
    if (track) save(local, 'place', { path: track.path, seconds: audio.currentTime })
    save(session, 'bytesSaved', player.bytesSavedBefore + player.current.bytesSaved)
    lastSave = Date.now()
  }
  player.addEventListener('change', () => {
    // A queue of thousands of tracks is large: it is written only when it is another one.
    const { tracks, order, position, isShuffled, repeat } = player.queue.state
    const summary = [tracks.length, tracks[0]?.path, order.length, order[1], position, isShuffled, repeat].join('\n')
    if (summary !== saved) save(local, 'queue', player.queue.state)
    saved = summary
    save(local, 'volume', player.volume)
  })
  player.addEventListener('time', () => { if (Date.now() - lastSave > INTERVAL_MS) savePlace() })
  addEventListener('pagehide', savePlace)
  addEventListener('visibilitychange', savePlace)
}
