import { encodePath } from '../api/library.ts'
import { authorization, hasToken } from '../api/token.ts'
import { element } from '../dom.ts'

/** Pictures that were fetched with the token, by URL, least recently used first. */
const fetched = new Map<string, Promise<string | undefined>>()
const MAX_FETCHED = 300

interface CoverOptions {
  /** Size of the thumbnail, in pixels. One of those that docs/http.md lists. */
  pixels: 96 | 256 | 512 | 1024
  /** Of what has no cover: its first letter is shown. */
  name: string
  /** Whether it is a folder. Its cover may need the token, which an image element would not send. */
  isFolder: boolean
}

/** Makes the cover of a track or a folder. */
export function coverOf (path: string, { pixels, name, isFolder }: CoverOptions): HTMLElement {
  return pictureOf(`/cover/${encodePath(path)}?size=${pixels}`, { name, needsToken: isFolder })
}

/** Makes a square picture. Where there is none, it shows a letter on a colour. It says nothing to screen readers. */
export function pictureOf (url: string, { name, needsToken = false }: { name: string, needsToken?: boolean }): HTMLElement {
  const letter = [...name.replace(/^[\W\d_]+/, '') || name][0]?.toUpperCase() ?? ''
  const cover = element('span', { className: 'cover', 'aria-hidden': 'true' }, element('span', { className: 'cover-letter' }, letter))
  cover.style.setProperty('--hue', `${hueOf(name)}`)
  const show = (src: string) => {
    const image = element('img', { alt: '', loading: 'lazy', decoding: 'async', draggable: false })
    image.addEventListener('load', () => cover.classList.add('is-loaded'))
    image.addEventListener('error', () => image.remove())
    image.src = src
    cover.append(image)
  }
  if (needsToken && hasToken()) fetchPicture(url).then(src => { if (src) show(src) })
  else show(url)
  return cover
}

async function fetchPicture (url: string): Promise<string | undefined> {
  const known = fetched.get(url)
  if (known) fetched.delete(url)
  const picture = known ?? fetch(url, { headers: authorization() })
    .then(async response => response.ok ? URL.createObjectURL(await response.blob()) : undefined)
    .catch(() => undefined)
  fetched.set(url, picture)
  const [oldest] = fetched
  if (fetched.size > MAX_FETCHED && oldest) {
    fetched.delete(oldest[0])
    oldest[1].then(src => { if (src) URL.revokeObjectURL(src) })
  }
  return await picture
}

function hueOf (name: string): number {
  let hash = 0
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 360
  return hash
}
