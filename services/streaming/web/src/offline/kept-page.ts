import { encodePath } from '../api/library.ts'
import { mixtapeCoverUrl, mixtapeTracksUrl } from '../api/mixtapes.ts'
import type { KeptMixtape } from './store.ts'

/** Stores what the page of a mixtape shows: the list of its tracks, and the covers. A cover that is missing is no error. */
export async function storePage ({ slug, paths }: KeptMixtape, signal: AbortSignal): Promise<void> {
  const cache = await caches.open(cacheName(slug))
  const covers = paths.flatMap(path => [96, 512].map(size => `/cover/${encodePath(path)}?size=${size}`))
  await Promise.all([mixtapeTracksUrl(slug), mixtapeCoverUrl(slug), ...covers].map(async url => {
    const response = await fetch(url, { signal, cache: 'no-cache' })
    if (response.ok) await cache.put(url, response)
  }))
}

export async function removePage (slug: string): Promise<void> {
  await caches.delete(cacheName(slug))
}

function cacheName (slug: string): string {
  return `mixtape-${slug}`
}
