import { post, type OverviewBody } from '../api/overview.ts'
import { element, find } from '../dom.ts'
import { count, spoken } from '../format.ts'
import { act } from './act.ts'
import { Rows } from './rows.ts'

type Worker = NonNullable<OverviewBody['workers']>[number]

/** Shows the workers; drains one, or lets it take jobs again. */
export function startWorkers (): { show: (overview: OverviewBody, now: number) => void } {
  let serverTime = Date.now()
  const rows = new Rows<Worker>(find('#workers'), ({ id }) => id, () => workerRow(() => serverTime))
  return {
    show ({ workers, queue }, now) {
      serverTime = now
      // The queue knows what runs now, and a worker tells it every five seconds only.
      const runningOf = ({ id, running }: Worker) => queue?.running.filter(({ worker }) => worker === id) ?? running
      rows.show(workers?.map(worker => ({ ...worker, running: runningOf(worker) })) ?? [])
      find('#workers-none').hidden = workers === null || workers.length > 0
    }
  }
}

function workerRow (now: () => number) {
  let worker: Worker | undefined
  const name = element('span', { className: 'worker-name' })
  const badge = element('span', { className: 'badge' })
  const facts = element('p', { className: 'note' })
  const running = element('p', { className: 'note' })
  const button = element('button', { className: 'pill small' })
  button.addEventListener('click', () => act(button, async () => {
    const { id = '', draining = false } = worker ?? {}
    return (await post(`/admin/workers/${encodeURIComponent(id)}/${draining ? 'resume' : 'drain'}`)).message
  }))
  return {
    element: element('li', {}, element('div', { className: 'worker-text' }, name, ' ', badge, facts, running), button),
    update (latest: Worker) {
      worker = latest
      const { host, pid, version, concurrency, alive, draining, running: jobs, last_heard_of: heard, started_at: started } = latest
      const seconds = Math.max(Math.round((now() - Date.parse(heard)) / 1000), 0)
      name.textContent = `${host} ${pid}`
      const isDrained = draining && jobs.length === 0
      badge.textContent = !alive ? 'gone' : isDrained ? 'drained' : draining ? 'draining' : jobs.length > 0 ? 'works' : 'ready'
      badge.className = `badge ${!alive ? 'is-dead' : draining ? 'is-miss' : 'is-hit'}`
      facts.textContent = `Version ${version} · ${count(concurrency, 'job')} at a time · up ${spoken((now() - Date.parse(started)) / 1000)} · heard of ${seconds} s ago`
      running.textContent = isDrained ? 'It may be stopped.' : jobs.map(({ path, quality }) => `${path} at ${quality}`).join(', ')
      running.hidden = running.textContent === ''
      button.hidden = !alive
      button.textContent = draining ? 'Take jobs again' : 'Drain'
      button.setAttribute('aria-label', `${button.textContent}: ${host} ${pid}`)
    }
  }
}
