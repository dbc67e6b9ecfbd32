import { RequestError } from './api/library.ts'
import { CHOICES, type Choice } from './api/qualities.ts'
import { FolderView } from './browse/folder-view.ts'
import { emptyNotice, problemNotice, tokenForm } from './browse/notices.ts'
import { QueueView } from './browse/queue-view.ts'
import { showCrumbs, startFilter } from './browse/top.ts'
import { element, find } from './dom.ts'
import { startKeyboard } from './player/keyboard.ts'
import { startMediaSession } from './player/media-session.ts'
import { startPlayerBar } from './player/player-bar.ts'
import { Player } from './player/player.ts'
import { rememberPlayer } from './player/remembered.ts'
import { startPlaces, type Place } from './places.ts'

/** After this time a place is fetched again that the server could not show. */
const RETRY_MS = 3000

const main = find('#main')
const [first, second] = document.querySelectorAll('audio')
const player = new Player(first as HTMLAudioElement, second as HTMLAudioElement)

rememberPlayer(player)
startPlayerBar(player)
startMediaSession(player)
startKeyboard(player)
startQuality()
startFilter()

let view: FolderView | QueueView | undefined
let retry: number | undefined
startPlaces(show)

async function show (place: Place): Promise<void> {
  clearTimeout(retry)
  const hadPlace = view !== undefined
  view?.close()
  showCrumbs(place)
  const shown = view = place.view === 'queue'
    ? new QueueView(player)
    : new FolderView(player, place.path, place.filter, error => { showProblem(place, error) })
  try {
    await shown.show(main)
    // The link that was followed is gone. Screen readers and Tab go on at the start of the new place.
    if (hadPlace && shown === view && document.activeElement === document.body) main.focus({ preventScroll: true })
  } catch (error) {
    if (shown === view && (error as Error).name !== 'AbortError') showProblem(place, error as Error)
  }
}

function showProblem (place: Place, error: Error): void {
  const again = () => { show(place) }
  const status = error instanceof RequestError ? error.status : undefined
  if (status === 401) {
    const form = tokenForm(again)
    main.replaceChildren(form)
    form.querySelector('input')?.focus()
  } else if (status === 404) {
    main.replaceChildren(emptyNotice('There is no such folder', 'It may have been renamed or deleted.'))
  } else {
    main.replaceChildren(problemNotice(`${error.message} Trying again every few seconds.`, again))
    retry = window.setTimeout(again, RETRY_MS)
  }
}

function startQuality (): void {
  const select = find<HTMLSelectElement>('[name=quality]')
  for (const [value, { label }] of Object.entries(CHOICES)) select.append(element('option', { value }, label))
  select.value = player.choice
  select.addEventListener('change', () => { player.setChoice(select.value as Choice) })
}
