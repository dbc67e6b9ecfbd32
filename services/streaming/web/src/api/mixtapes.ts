import type { MixtapeTracks } from '@mixtape/streaming/schemas/mixtapes'
import { load, save, session } from '../storage.ts'
import { request, type TrackEntry } from './library.ts'
import type { Quality } from './qualities.ts'
import { authorization, hasToken } from './token.ts'

export type { MixtapeTracks }

const MAY_EDIT = 'mayEditMixtapes'

export interface MixtapeSummary {
  slug: string
  title?: string
  /** Number of tracks. */
  total: number
}

/** How far the tracks of a mixtape are cached, as docs/http.md describes the events. */
export interface Progress {
  status: 'in_progress' | 'completed' | 'failed'
  total: number
  /** Tracks that play without a miss, by quality. */
  ready: Record<Exclude<Quality, 'original'>, number>
}

export async function fetchMixtape (slug: string, signal?: AbortSignal): Promise<MixtapeTracks> {
  const response = await request(mixtapeTracksUrl(slug), { signal })
  return await response.json() as MixtapeTracks
}

/** For the admin: all mixtapes, in the order of their titles. */
export async function listMixtapes (signal: AbortSignal): Promise<MixtapeSummary[]> {
  const response = await request('/mixtapes', { headers: authorization(), signal })
  const { mixtapes } = await response.json() as { mixtapes: MixtapeSummary[] }
  save(session, MAY_EDIT, true)
  return mixtapes.sort((a, b) => (a.title ?? a.slug).localeCompare(b.title ?? b.slug))
}

/** For the admin: saves a mixtape, new or not. */
export async function saveMixtape (slug: string, title: string, tracks: TrackEntry[]): Promise<void> {
  await request(`/mixtapes/${slug}`, {
    method: 'PUT',
    headers: { ...authorization(), 'content-type': 'application/json' },
    body: JSON.stringify({ title, tracks: tracks.map(({ path }) => ({ file_path: path })) })
  })
  save(session, MAY_EDIT, true)
}

/** For the admin. */
export async function deleteMixtape (slug: string): Promise<void> {
  await request(`/mixtapes/${slug}`, { method: 'DELETE', headers: authorization() })
}

/** @returns whether this browser is probably the admin's: it has a token, or has seen the list or saved a mixtape, for which none was needed */
export function mayEdit (): boolean {
  return hasToken() || load<boolean>(session, MAY_EDIT) === true
}

/** @returns a slug that nobody guesses from the title, because everyone who knows it may listen */
export function newSlug (title: string): string {
  const words = title.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '')
  const random = [...crypto.getRandomValues(new Uint8Array(6))].map(byte => (byte % 36).toString(36)).join('')
  return `${words.slice(0, 60) || 'mixtape'}-${random}`
}

/** @returns the state of a track at a quality, as docs/http.md lists them */
export async function fetchReadiness (slug: string): Promise<(path: string, quality: Quality) => string | undefined> {
  const response = await request(`/mixtapes/${slug}`, {})
  const { tracks } = await response.json() as { tracks: { file_path: string, qualities: Partial<Record<Quality, { state: string }>> }[] }
  const states = new Map(tracks.map(({ file_path: path, qualities }) => [path, qualities]))
  return (path, quality) => states.get(path)?.[quality]?.state
}

export function mixtapeTracksUrl (slug: string): string {
  return `/mixtapes/${slug}/tracks`
}

export function mixtapeCoverUrl (slug: string): string {
  return `/mixtapes/${slug}/cover.jpg`
}

/**
 * Listens to the progress of a mixtape until all its tracks are settled. The browser reconnects by itself.
 *
 * @returns a function that stops it
 */
export function watchProgress (slug: string, onProgress: (progress: Progress) => void): () => void {
  const events = new EventSource(`/mixtapes/${slug}/events`)
  events.addEventListener('message', ({ data }) => {
    const progress = JSON.parse(data) as Progress
    if (progress.status !== 'in_progress') events.close()
    onProgress(progress)
  })
  return () => { events.close() }
}
