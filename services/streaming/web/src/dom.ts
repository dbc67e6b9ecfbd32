type Content = Node | string | undefined

/** Properties of an element. Names with a hyphen, and `role`, become attributes; functions listen to the event of their name. */
type Properties = Record<string, unknown>

/** Makes an element. Texts become text nodes, so that no file name or tag can be HTML. */
export function element<K extends keyof HTMLElementTagNameMap> (
  name: K, properties: Properties = {}, ...content: Content[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue
    if (typeof value === 'function') made.addEventListener(key, value as EventListener)
    else if (key.includes('-') || key === 'role') made.setAttribute(key, `${value}`)
    else Object.assign(made, { [key]: value })
  }
  made.append(...content.filter(part => part !== undefined))
  return made
}

const SVG = 'http://www.w3.org/2000/svg'

/** Makes an icon of the sprite in index.html. */
export function icon (name: string): SVGElement {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('class', 'icon')
  svg.setAttribute('aria-hidden', 'true')
  svg.append(document.createElementNS(SVG, 'use'))
  setIcon(svg, name)
  return svg
}

export function setIcon (svg: Element, name: string): void {
  svg.querySelector('use')?.setAttribute('href', `#icon-${name}`)
}

/** @returns the element of index.html that a selector matches */
export function find<T extends Element = HTMLElement> (selector: string): T {
  const found = document.querySelector<T>(selector)
  if (!found) throw new Error(`index.html has no ${selector}`)
  return found
}
