import { element } from '../dom.ts'

const SVG = 'http://www.w3.org/2000/svg'
const [WIDTH, HEIGHT] = [600, 150]

export interface Series {
  name: string
  /** Suffix of its CSS class. */
  kind: string
  values: number[]
}

export interface BarChartOptions {
  title: string
  /** Start of each bar, in milliseconds since 1970. */
  times: number[]
  /** Stacked, the first at the bottom. */
  series: Series[]
  /** @returns a value for people */
  format: (value: number) => string
  formatTime: (ms: number) => string
}

/** Draws stacked bars. What a bar stands for is told when one points at it, and the totals are in the legend. */
export function barChart ({ title, times, series, format, formatTime }: BarChartOptions): HTMLElement {
  const totals = times.map((_, index) => series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0))
  const highest = Math.max(...totals, 0)
  const totalOf = ({ values }: Series) => format(values.reduce((sum, value) => sum + value, 0))
  const svg = svgElement('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' })
  svg.setAttribute('aria-label', `${title}: ${series.map(one => `${one.name} ${totalOf(one)}`).join(', ')}`)
  svg.append(svgElement('line', { class: 'rule', x1: 0, x2: WIDTH, y1: HEIGHT / 2, y2: HEIGHT / 2 }))
  const step = WIDTH / times.length
  times.forEach((time, index) => {
    let y = HEIGHT
    for (const { kind, name, values } of series) {
      const value = values[index] ?? 0
      if (value <= 0) continue
      const height = Math.max(value / highest * (HEIGHT - 4), 1)
      y -= height
      const bar = svgElement('rect', { class: `part is-${kind}`, x: index * step + step * 0.1, y, width: step * 0.8, height })
      const tip = svgElement('title', {})
      tip.textContent = `${formatTime(time)}: ${name} ${format(value)}`
      bar.append(tip)
      svg.append(bar)
    }
  })
  return element('figure', { className: 'chart' },
    element('figcaption', {}, element('b', {}, title), ...series.map(one =>
      element('span', { className: `key is-${one.kind}` }, `${one.name} ${totalOf(one)}`))),
    element('div', { className: 'plot' }, svg,
      element('span', { className: 'plot-top' }, highest > 0 ? format(highest) : 'Nothing yet')),
    element('div', { className: 'plot-times' },
      element('span', {}, formatTime(times[0] ?? 0)), element('span', {}, 'now')))
}

function svgElement (name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, `${value}`)
  return made
}
