import { mayPass, NoFolderError, RequestError } from './api/library.ts'
import { CHOICES, type Choice } from './api/qualities.ts'
import { FolderView } from './browse/folder-view.ts'
import { emptyNotice, problemNotice, tokenForm } from './browse/notices.ts'
import { QueueView } from './browse/queue-view.ts'
import { showCrumbs, startFilter } from './browse/top.ts'
import { element, find } from './dom.ts'
import { EditView } from './mixtapes/edit-view.ts'
import { MixtapeView } from './mixtapes/mixtape-view.ts'
import { MixtapesView } from './mixtapes/mixtapes-view.ts'
import { startTray } from './mixtapes/tray.ts'
import { addKeptLinks, addRemoval } from './offline/kept-links.ts'
import { resumeKeeping } from './offline/keeper.ts'
import { startKeyboard } from './player/keyboard.ts'
import { startMediaSession } from './player/media-session.ts'
import { startPlayerBar } from './player/player-bar.ts'
import { Player } from './player/player.ts'
import { rememberPlayer } from './player/remembered.ts'
import { folderOf, folderUrl, replacePlace, startPlaces, type Place } from './places.ts'

/** After this time a place is fetched again that the server could not show. */
const RETRY_MS = 3000

interface View {
  show (main: HTMLElement): Promise<void>
  close (): void
}

const main = find('#main')
const [first, second] = document.querySelectorAll('audio')
const player = new Player(first as HTMLAudioElement, second as HTMLAudioElement)

rememberPlayer(player)
startPlayerBar(player)
startMediaSession(player)
startKeyboard(player)
startQuality()
startFilter()
startTray()

let view: View | undefined
let shownUrl: URL | undefined
let retry: number | undefined
startPlaces(show)
resumeKeeping()

async function show (place: Place): Promise<void> {
  clearTimeout(retry)
  const before = shownUrl
  const url = shownUrl = new URL(location.href)
  const focused = document.activeElement
  view?.close()
  showCrumbs(place)
  const shown = view = viewOf(place)
  try {
    await shown.show(main)
  } catch (error) {
    if (shown !== view || (error as Error).name === 'AbortError') return
    if (error instanceof NoFolderError && place.view === 'folder') return replacePlace(folderUrl(folderOf(place.path)))
    showProblem(place, error as Error)
  }
  if (shown !== view) return
  const texts = [...main.querySelectorAll('h1, .hero-facts')].map(({ textContent }) => textContent).filter(text => text)
  document.title = `${texts[0]} · Mixtape audio`
  if (!before) return
  if (url.href !== before.href) find('#shown').textContent = texts.join(', ') // for screen readers
  // They and Tab go on at the start of another place, unless the focus was moved while it was fetched. A filter keeps it.
  const isStill = url.pathname !== before.pathname && document.activeElement === focused
  if (isStill || document.activeElement === document.body) main.focus({ preventScroll: true })
}

function viewOf (place: Place): View {
  switch (place.view) {
    case 'folder': return new FolderView(player, place.path, place.filter, error => { showProblem(place, error) })
    case 'queue': return new QueueView(player)
    case 'mixtape': return new MixtapeView(player, place.slug)
    case 'mixtapes': return new MixtapesView()
    case 'edit': return new EditView(error => { showProblem(place, error) })
  }
}

function showProblem (place: Place, error: Error): void {
  const again = () => { show(place) }
  const status = error instanceof RequestError ? error.status : undefined
  if (status === 401) {
    const form = tokenForm(again, place.view === 'folder'
      ? {}
      : { title: 'Who makes mixtapes?', help: 'Only the admin of this server may make and change mixtapes.' })
    main.replaceChildren(form)
    form.querySelector('input')?.focus()
    addKeptLinks(form)
  } else if (status === 404 || (status === 400 && place.view === 'mixtape')) { // 400: no mixtape can be called so
    const notice = place.view === 'mixtape'
      ? emptyNotice('There is no such mixtape', 'It may have been removed, or the link is not complete.')
      : emptyNotice('There is no such folder', 'It may have been renamed or deleted.')
    main.replaceChildren(notice)
    if (place.view === 'mixtape') addRemoval(notice, place.slug)
  } else if (status !== undefined && !mayPass(status)) {
    main.replaceChildren(emptyNotice('This does not work', error.message))
  } else {
    retry = window.setTimeout(again, RETRY_MS)
    const key = `${location.href} ${error.message}`
    if (main.querySelector<HTMLElement>('[data-problem]')?.dataset.problem === key) return // the focus must not get lost
    const notice = problemNotice(`${error.message} Trying again every few seconds.`, again)
    notice.dataset.problem = key
    main.replaceChildren(notice)
    addKeptLinks(notice)
  }
}

function startQuality (): void {
  const select = find<HTMLSelectElement>('[name=quality]')
  for (const [value, { label }] of Object.entries(CHOICES)) select.append(element('option', { value }, label))
  select.value = player.choice
  select.addEventListener('change', () => { player.setChoice(select.value as Choice) })
}
