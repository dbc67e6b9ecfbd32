import { fetchTrack, RequestError, type TrackEntry } from '../api/library.ts'

/** Tracks that are looked up at a time. */
const CONCURRENCY = 6

/** What a playlist contains. */
export interface Import {
  title?: string
  tracks: TrackEntry[]
  /** Lines that name no track of the library. Lines are counted from 1. */
  missing: { line: number, text: string }[]
}

/**
 * Reads an M3U playlist: each line is a path relative to MUSIC_ROOT, or a play URL of this or another server.
 *
 * @throws {RequestError} where the library may not be looked at, or does not answer
 */
export async function importM3u (file: Blob): Promise<Import> {
  const lines = decode(await file.arrayBuffer()).split(/\r\n|\r|\n/).map((text, index) => ({ line: index + 1, text: text.trim() }))
  const title = lines.map(({ text }) => text.match(/^#PLAYLIST:(.+)/)?.[1]).find(found => found)
  const entries = lines.filter(({ text }) => text && !text.startsWith('#'))
  const found: (TrackEntry | undefined)[] = []
  const pending = entries.entries()
  await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
    for (const [index, { text }] of pending) found[index] = await find(text)
  }))
  return { title, tracks: found.filter(track => track !== undefined), missing: entries.filter((_, index) => !found[index]) }
}

/** Playlists of old programs are in the encoding of Windows. */
function decode (bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

async function find (text: string): Promise<TrackEntry | undefined> {
  const path = pathOf(text)
  if (path === undefined) return undefined
  try {
    return await fetchTrack(path)
  } catch (error) {
    if (!(error instanceof RequestError) || error.status !== 404) throw error
  }
}

/** @returns the path of a track relative to MUSIC_ROOT; undefined for a URL that is none of /play */
function pathOf (text: string): string | undefined {
  if (!/^https?:/i.test(text)) return text.replaceAll('\\', '/').replace(/^(\.\/)+/, '')
  try {
    const path = new URL(text).pathname.split('/play/')[1]
    return path && decodeURIComponent(path)
  } catch {
    return undefined
  }
}
