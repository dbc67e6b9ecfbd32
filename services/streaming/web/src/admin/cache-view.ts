import { get, type Eviction, type OverviewBody } from '../api/overview.ts'
import { element, find } from '../dom.ts'
import { count, megabytes } from '../format.ts'

/** Files that are shown of those that would be evicted next. */
const SHOWN = 6

const LEVELS = ['high', 'medium', 'low', 'cover'] as const

/** Shows what the cache holds by level against its limit. */
export function showCache ({ cache }: OverviewBody): void {
  const { cache_size_bytes: size, max_size_bytes: max, free_bytes: free, by_quality: byQuality, covers } = cache
  const limit = max ?? size + (free ?? 0)
  const files = { ...byQuality, cover: covers }
  find('#cache-limit').textContent = `${megabytes(size)} of ${megabytes(limit)}${max === null ? ' on the disk' : ''}`
  const fill = find('#fill')
  fill.setAttribute('aria-label', `${Math.round(size / (limit || 1) * 100)} % of the cache is used`)
  fill.replaceChildren(...LEVELS.filter(level => files[level].bytes > 0).map(level => {
    const part = element('div', { className: `part is-${level}` })
    part.style.width = `${files[level].bytes / Math.max(limit, size) * 100}%`
    return part
  }))
  find('#levels').replaceChildren(...LEVELS.map(level => element('div', {},
    element('dt', { className: `key is-${level}` }, level === 'cover' ? 'covers' : level),
    element('dd', {}, `${sizeOf(files[level].bytes)}, ${count(files[level].files, 'file')}`))))
}

/** Shows which files would be evicted next. */
export async function refreshEviction (): Promise<void> {
  const eviction = await get<Eviction>('/admin/cache/eviction').catch(() => undefined) // Redis is away
  if (!eviction) return
  find('#next').replaceChildren(...eviction.next.slice(0, SHOWN).map(({ path, size_bytes: size, cached_at: cached, last_played: played }) =>
    element('li', {}, element('span', {}, nameOf(path)), element('span', {},
      `${sizeOf(size)}, ${played === null ? `never played, made ${day(cached)}` : `played ${day(played)}`}`))))
  find('#next-none').hidden = eviction.next.length > 0
}

/** @returns the path of an MP3; for the thumbnail of a cover what it shows, as its name says: its source, version and width */
function nameOf (path: string): string {
  const [, source, pixels] = /^(.*)_\d+-\d+_(\d+)\.webp$/s.exec(path) ?? []
  return source === undefined ? path : `Cover of ${source}, ${pixels} pixels`
}

/** @returns such as `3 kB` or `1.4 MB`: covers are small */
function sizeOf (bytes: number): string {
  return bytes < 100_000 ? `${Math.ceil(bytes / 1000)} kB` : megabytes(bytes)
}

function day (time: string): string {
  return new Date(time).toLocaleDateString([], { day: 'numeric', month: 'short' })
}
