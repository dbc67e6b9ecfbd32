import { post, type OverviewBody } from '../api/overview.ts'
import { element, find } from '../dom.ts'
import { clock, count } from '../format.ts'
import { act } from './act.ts'
import { Rows } from './rows.ts'

const LANES = { miss: 'Listeners', mixtape: 'Mixtapes', warm: 'Popular', nightly: 'Nightly' } as const

type Job = NonNullable<OverviewBody['queue']>['running'][number]

/** Shows what waits by lane, and what runs; pauses and resumes. */
export function startQueue (): { show: (overview: OverviewBody, now: number) => void } {
  const button = find<HTMLButtonElement>('#pause')
  const rows = new Rows<Job>(find('#running'), ({ path, quality, started_at: started }) => `${quality} ${path} ${started}`, jobRow)
  let isPaused = false
  button.addEventListener('click', () => act(button, async () => {
    await post(isPaused ? '/admin/queue/resume' : '/admin/queue/pause')
    return isPaused ? 'The queue goes on.' : 'The queue is paused. Running jobs are finished.'
  }))
  return {
    show ({ queue }, now) {
      button.disabled = queue === null
      isPaused = queue?.paused ?? false
      button.textContent = isPaused ? 'Resume' : 'Pause'
      find('#lanes').replaceChildren(...Object.entries(LANES).map(([lane, label]) => {
        const { jobs, next_since: since } = queue?.waiting[lane as keyof typeof LANES] ?? {}
        return element('div', {}, element('dt', {}, label), element('dd', {}, jobs === undefined ? '–' : jobs.toLocaleString('en'),
          element('small', {}, since ? `for ${clock((now - Date.parse(since)) / 1000)}` : '')))
      }))
      const delayed = queue?.delayed ?? 0
      find('#delayed').hidden = delayed === 0
      find('#delayed').textContent = `${count(delayed, 'job')} ${delayed === 1 ? 'waits' : 'wait'} for the next attempt, or for space.`
      rows.show(queue?.running ?? [])
      find('#running-none').hidden = queue === null || queue.running.length > 0
    }
  }
}

function jobRow () {
  const name = element('bdi', {})
  const facts = element('span', { className: 'job-facts' })
  const bar = element('progress', { max: 100 })
  return {
    element: element('li', {}, element('div', { className: 'job-head' }, element('span', { className: 'job-name' }, name), facts), bar),
    update ({ path, quality, percent, speed, attempt }: Job) {
      name.textContent = path
      facts.textContent = [
        quality, `${percent} %`, ...speed === null ? [] : [`${speed}× real time`], ...attempt > 1 ? [`attempt ${attempt}`] : []
      ].join(' · ')
      bar.value = percent
      bar.setAttribute('aria-label', `${path} at ${quality}`)
    }
  }
}
