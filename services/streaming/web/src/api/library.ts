import type { FolderPage, TrackEntry } from '@mixtape/streaming/schemas/library'
import { authorization } from './token.ts'

export type { FolderPage, TrackEntry }

/** The server answered with an error, or not at all. The message is for people. */
export class RequestError extends Error {
  /** HTTP status; 0 where there was no answer. */
  readonly status: number

  constructor (status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** @returns the title of a track; the name of its file where the tags have none */
export function titleOf ({ title, name }: TrackEntry): string {
  return title ?? name
}

/** @returns whether the same request may well be answered later */
export function mayPass (status: number): boolean {
  return status < 400 || status >= 500 || status === 408 || status === 429
}

/** @returns a path with its names percent-encoded */
export function encodePath (path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

/** There is a track where a folder was expected. */
export class NoFolderError extends Error {}

/** Fetches one page of a folder. @throws {NoFolderError | RequestError} */
export async function fetchFolder (
  path: string, { offset, limit, filter, signal }: { offset: number, limit: number, filter: string, signal?: AbortSignal }
): Promise<FolderPage> {
  const query = new URLSearchParams({ offset: `${offset}`, limit: `${limit}` })
  if (filter) query.set('filter', filter)
  const response = await request(`/library/${encodePath(path)}?${query}`, { headers: authorization(), signal })
  const page = await response.json() as FolderPage | TrackEntry
  if (page.type === 'track') throw new NoFolderError('This is a track, not a folder.')
  return page
}

/** Fetches what is known of a track. */
export async function fetchTrack (path: string): Promise<TrackEntry> {
  const response = await request(`/library/${encodePath(path)}`, { headers: authorization() })
  const found = await response.json() as FolderPage | TrackEntry
  if (found.type === 'folder') throw new RequestError(404, 'This is a folder, not a track.')
  return found
}

/** Fetches with errors in words. */
export async function request (url: string, options: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, options)
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error
    throw new RequestError(0, 'The server does not answer.')
  }
  if (response.ok) return response
  const message = await response.json().then(({ message }: { message?: string }) => message, () => undefined)
  throw new RequestError(response.status, message ?? `The server answered ${response.status}.`)
}
