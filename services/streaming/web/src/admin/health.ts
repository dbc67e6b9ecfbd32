import type { OverviewBody } from '../api/overview.ts'
import { element, find } from '../dom.ts'
import { count } from '../format.ts'

interface Sentence {
  text: string
  /** `good`, `bad`, or what needs a look. */
  kind: 'good' | 'bad' | 'look'
}

/** Says in words how things are. */
export function showHealth (overview: OverviewBody): void {
  say(sentences(overview))
}

/** Says that the server does not answer. What was known before stays on the page. */
export function showUnreachable (message: string): void {
  say([{ kind: 'bad', text: `${message} What is shown is from before. Trying again every few seconds.` }])
}

/** Says why the server does not answer this page, which no trying again will change. */
export function showRefusal (message: string): void {
  say([{ kind: 'bad', text: message }])
}

function sentences ({ health: { problems }, queue, workers, failed }: OverviewBody): Sentence[] {
  const found: Sentence[] = problems.map(({ message, names = [] }) => ({ kind: 'bad', text: [message, names.join(', ')].join(' ').trim() }))
  if (!queue || !workers) return found
  const waiting = Object.values(queue.waiting).reduce((sum, { jobs }) => sum + jobs, 0)
  const alive = workers.filter(({ alive }) => alive)
  if (alive.length > 0 && alive.every(({ draining }) => draining)) {
    found.push({ kind: 'look', text: 'All workers are drained: nothing is transcoded until one takes jobs again.' })
  }
  for (const { host, pid, alive } of workers) {
    if (!alive) found.push({ kind: 'bad', text: `The worker ${host} ${pid} tells nothing any more. It may have died; others take its jobs over.` })
  }
  if (queue.paused) found.push({ kind: 'look', text: 'The queue is paused: workers take no more jobs.' })
  const failedTracks = new Set([...failed?.jobs ?? [], ...failed?.sources ?? []].map(({ path }) => path)).size
  if (failedTracks > 0) found.push({ kind: 'look', text: `${count(failedTracks, 'track')} failed.` })
  if (found.length > 0) return found
  const state = queue.running.length + waiting === 0
    ? 'nothing waits'
    : `${count(queue.running.length, 'job')} ${queue.running.length === 1 ? 'runs' : 'run'}, ${waiting.toLocaleString('en')} ${waiting === 1 ? 'waits' : 'wait'}`
  return [{ kind: 'good', text: `All is well: ${count(alive.length, 'worker')}, ${state}.` }]
}

let shown = ''

function say (all: Sentence[]): void {
  const key = JSON.stringify(all)
  if (key === shown) return // a screen reader would read it again
  shown = key
  find('#health').replaceChildren(...all.map(({ text, kind }) => element('li', { className: `is-${kind}` }, text)))
}
