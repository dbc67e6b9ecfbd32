import { mayPass, RequestError } from '../api/library.ts'
import { watchOverview, type OverviewBody } from '../api/overview.ts'
import { tokenForm } from '../browse/notices.ts'
import { element, find } from '../dom.ts'
import { refreshEviction, showCache } from './cache-view.ts'
import { startFailures } from './failures-view.ts'
import { startForms } from './forms.ts'
import { showHealth, showRefusal, showUnreachable } from './health.ts'
import { startQueue } from './queue-view.ts'
import { showTiles } from './tiles.ts'
import { startTraffic } from './traffic-view.ts'
import { startWorkers } from './workers-view.ts'

/** After this time the server is asked again that did not answer. */
const RETRY_MS = 3000

/** How often history and evictions are fetched again. */
const REFRESH_MS = 10_000

const connection = find('#connection')
const views = { queue: startQueue(), workers: startWorkers(), failures: startFailures() }
const traffic = startTraffic()
const forms = startForms()
let latest: { overview: OverviewBody, aheadMs: number } | undefined

watch()
setInterval(() => { if (latest && !document.hidden) refresh() }, REFRESH_MS)
setInterval(() => { if (latest) showTimes(latest) }, 1000) // ages grow also while nothing changes

/** Shows the overview live, until the token is refused. */
async function watch (): Promise<void> {
  try {
    await watchOverview((overview, aheadMs) => {
      const wasAway = latest === undefined || !connection.classList.contains('is-live') || (overview.redis && !latest.overview.redis)
      latest = { overview, aheadMs }
      show(overview)
      if (!wasAway) return
      refresh()
      forms.refresh().catch(() => {}) // offered again after the next connection
    })
  } catch (error) {
    connection.classList.remove('is-live')
    connection.textContent = ''
    const { status, message } = error as RequestError
    if (status === 401) return askForToken()
    if (status === 429) return askForToken(message) // the right token is let in all the same
    connection.textContent = 'No connection'
    const isRefused = !mayPass(status)
    if (latest) {
      find('#overview').classList.add('is-stale')
      if (isRefused) showRefusal(message)
      else showUnreachable(message)
    } else showProblem(message, isRefused ? undefined : 'Trying again every few seconds.')
    if (!isRefused) setTimeout(watch, RETRY_MS)
  }
}

function show (overview: OverviewBody): void {
  connection.textContent = 'Live'
  connection.classList.add('is-live')
  find('#gate').replaceChildren()
  find('#overview').hidden = false
  find('#overview').classList.remove('is-stale')
  showHealth(overview)
  showTiles(overview)
  showCache(overview)
  views.failures.show(overview)
  if (latest) showTimes(latest)
}

function showTimes ({ overview, aheadMs }: NonNullable<typeof latest>): void {
  const now = Date.now() + aheadMs
  views.queue.show(overview, now)
  views.workers.show(overview, now)
}

function refresh (): void {
  for (const part of [traffic.refresh(), refreshEviction()]) part.catch(() => {}) // fetched again soon
}

/** Says why nothing is shown yet. */
function showProblem (message: string, next: string | undefined): void {
  if (find('#gate').textContent?.includes(message)) return // a screen reader would read it again
  find('#gate').replaceChildren(element('section', { className: 'notice', role: 'alert' },
    element('h1', {}, 'Operations'), element('p', {}, message), next === undefined ? undefined : element('p', {}, next)))
}

/** @param problem what is wrong besides */
function askForToken (problem?: string): void {
  find('#overview').hidden = true
  latest = undefined
  const form = tokenForm(watch, {
    title: 'Operations', help: 'Only the admin may look in here.', button: 'Open'
  })
  find('#gate').replaceChildren(...problem === undefined ? [] : [element('p', { className: 'gate-problem', role: 'alert' }, `${problem}.`)], form)
  form.querySelector('input')?.focus()
}
