import type { OverviewBody } from '../api/overview.ts'
import { element, find } from '../dom.ts'
import { megabytes } from '../format.ts'

const SPANS = { hour: 'last hour', day: 'last day', month: 'last month' } as const

const sum = (numbers: Record<string, number>) => Object.values(numbers).reduce((total, number) => total + number, 0)
const percent = (rate: number | null) => rate === null ? '–' : `${Math.round(rate * 100)} %`

/** Shows the numbers at the top. Without Redis they are not known. */
export function showTiles ({ traffic, listeners, cache }: OverviewBody): void {
  const spans = Object.entries(SPANS) as [keyof typeof SPANS, string][]
  const perSpan = (value: (counts: NonNullable<typeof traffic>['now']) => string): [string, string][] =>
    spans.map(([span, label]) => [label, traffic ? value(traffic[span]) : '–'])

  big('#rate-now', traffic ? percent(traffic.now.rate) : '–', 'last 5 min')
  list('#rates', perSpan(({ rate }) => percent(rate)))
  big('#listeners-now', listeners ? `${sum(listeners)}` : '–')
  list('#listeners', (['original', 'high', 'medium', 'low'] as const).map(quality => [quality, listeners ? `${listeners[quality]}` : '–']))
  big('#sent-now', traffic ? megabytes(sum(traffic.now.bytes_sent)) : '–', 'last 5 min')
  list('#sent', perSpan(({ bytes_sent: sent }) => megabytes(sum(sent))))
  big('#saved-now', cache.bytes_saved === null ? '–' : megabytes(cache.bytes_saved), 'since the first start')
  list('#saved', perSpan(({ bytes_saved: saved }) => megabytes(saved)))
}

function big (selector: string, text: string, note?: string): void {
  find(selector).replaceChildren(text, ...note === undefined ? [] : [' ', element('small', {}, note)])
}

function list (selector: string, entries: [string, string][]): void {
  find(selector).replaceChildren(...entries.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]))
}
