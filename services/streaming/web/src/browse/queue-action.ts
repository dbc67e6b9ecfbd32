import { announce } from '../announce.ts'
import { titleOf } from '../api/library.ts'
import type { Player } from '../player/player.ts'
import type { QueuedTrack } from '../player/queue.ts'
import type { RowAction } from './track-row.ts'

/** The button that adds a track to the queue. */
export function queueAction (player: Player, track: QueuedTrack): RowAction {
  return {
    icon: 'add',
    label: name => `Add ${name} to the queue`,
    run: () => {
      player.queue.append([track])
      player.queueChanged()
      announce(`${titleOf(track)} was added to the queue`)
    }
  }
}
