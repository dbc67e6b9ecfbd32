import { post, type OverviewBody } from '../api/overview.ts'
import { element, find } from '../dom.ts'
import { act } from './act.ts'
import { Rows } from './rows.ts'

interface Failure {
  path: string
  error: string
  since: string | null
  qualities: string[]
  attempts: number
}

/** Shows what failed, in the words of ffmpeg; retries and dismisses one or all. */
export function startFailures (): { show: (overview: OverviewBody) => void } {
  const rows = new Rows<Failure>(find('#failed'), ({ path }) => path, failureRow)
  const all = { retry: find<HTMLButtonElement>('#retry-all'), dismiss: find<HTMLButtonElement>('#dismiss-all') }
  for (const [action, button] of Object.entries(all)) {
    button.addEventListener('click', () => act(button, async () => (await post(`/admin/failed/${action}`)).message))
  }
  return {
    show ({ failed }) {
      const failures = byTrack(failed)
      rows.show(failures)
      for (const button of Object.values(all)) button.hidden = failures.length === 0
      find('#failed-none').hidden = failed === null || failures.length > 0
    }
  }
}

/** A track may have failed at several qualities, with the same words. */
function byTrack (failed: OverviewBody['failed']): Failure[] {
  const failures = new Map<string, Failure>()
  for (const { path, error, since } of failed?.sources ?? []) failures.set(path, { path, error, since, qualities: [], attempts: 0 })
  for (const { path, error, failed_at: since, quality, attempts } of failed?.jobs ?? []) {
    const failure = failures.get(path) ?? { path, error, since, qualities: [], attempts }
    failures.set(path, { ...failure, qualities: [...new Set([...failure.qualities, quality])], attempts: Math.max(attempts, failure.attempts) })
  }
  return [...failures.values()]
}

function failureRow () {
  let path = ''
  const name = element('p', { className: 'failure-name' })
  const error = element('p', { className: 'failure-error' })
  const facts = element('p', { className: 'note' })
  const button = (action: 'retry' | 'dismiss', label: string) => {
    const made = element('button', { className: 'pill small' }, label)
    made.addEventListener('click', () => act(made, async () => (await post(`/admin/failed/${action}`, { path })).message))
    return made
  }
  const buttons = [button('retry', 'Retry'), button('dismiss', 'Dismiss')]
  return {
    element: element('li', {}, element('div', { className: 'failure-text' }, name, error, facts), element('div', { className: 'buttons' }, ...buttons)),
    update (failure: Failure) {
      path = failure.path
      name.textContent = path
      error.textContent = failure.error
      facts.textContent = [
        ...failure.qualities.length > 0 ? [`At ${failure.qualities.join(', ')}`] : [],
        ...failure.since === null ? [] : [`since ${new Date(failure.since).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })}`],
        ...failure.attempts > 1 ? [`${failure.attempts} attempts`] : []
      ].join(' · ')
      for (const one of buttons) one.setAttribute('aria-label', `${one.textContent}: ${path}`)
    }
  }
}
