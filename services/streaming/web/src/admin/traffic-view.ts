import { get, type TrafficBody } from '../api/overview.ts'
import { element, find } from '../dom.ts'
import { count, megabytes } from '../format.ts'
import { barChart } from './bar-chart.ts'

const SPANS = { hour: 'Hour', day: 'Day', month: 'Month' }
type Span = keyof typeof SPANS

/** Draws the history of plays and bytes, for the time span that is chosen. */
export function startTraffic (): { refresh: () => Promise<void> } {
  let span: Span = 'hour'
  const refresh = async () => {
    const asked = span
    const traffic = await get<TrafficBody>(`/admin/traffic?span=${asked}`).catch(() => undefined) // shown again later
    if (traffic && asked === span) draw(traffic)
  }
  for (const [value, label] of Object.entries(SPANS)) {
    const input = element('input', { type: 'radio', name: 'span', value, checked: value === span })
    input.addEventListener('change', () => {
      span = value as Span
      refresh()
    })
    find('#spans').append(element('label', {}, input, label))
  }
  return { refresh }
}

function draw ({ span, buckets }: TrafficBody): void {
  const times = buckets.map(({ time }) => Date.parse(time))
  const formatTime = (ms: number) => new Date(ms).toLocaleString([], span === 'month'
    ? { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }
    : { hour: '2-digit', minute: '2-digit' })
  const sent = (['low', 'medium', 'high', 'original'] as const).map(kind => ({
    name: kind, kind, values: buckets.map(bucket => bucket.bytes_sent[kind])
  }))
  find('#charts').replaceChildren(
    barChart({
      title: 'Plays at high, medium and low',
      times,
      series: [
        { name: 'hits', kind: 'hit', values: buckets.map(({ hits }) => hits) },
        { name: 'misses', kind: 'miss', values: buckets.map(({ misses }) => misses) }
      ],
      format: value => value.toLocaleString('en'),
      formatTime
    }),
    barChart({ title: 'Sent', times, series: sent, format: megabytes, formatTime }))
  find('#charts').setAttribute('aria-label', count(buckets.length, 'bar'))
}
