import { encodePath } from '@mixtape/track-paths'
import { print, withLocalTimes } from '../output.ts'
import { EXIT, type Server } from '../server.ts'

interface Quality { state: string, why: string, served: string, cached: { eviction: string } | null }

/** The states that are no words for people. */
const WORDS: Record<string, string> = {
  delayed: 'waits for its next attempt',
  no_room: 'waits for space',
  running: 'is made now',
  absent: 'not cached',
  not_transcodable: 'served unchanged',
  missing: 'not in the library'
}

/** Says why a track is cached at each quality, or is not. @returns 1 where it is missing or failed */
export async function why (server: Server, path: string, { json }: { json?: boolean }): Promise<number> {
  const track = await server.get<{ mixtapes: string[], qualities: Record<string, Quality> }>(`/admin/tracks/${encodePath(path)}`)
  const qualities = Object.entries(track.qualities)
  const said: { names: string[], lines: string[] }[] = []
  for (const [name, quality] of qualities) {
    const lines = describe(quality)
    const same = said.find(other => other.lines.join() === lines.join())
    if (same) same.names.push(name) // what is the same at all qualities is said once
    else said.push({ names: [name], lines })
  }
  print(json, track, [
    path,
    ...track.mixtapes.length > 0 ? [`In the mixtapes: ${track.mixtapes.join(', ')}`] : [],
    ...said.flatMap(({ names, lines: [state, ...sentences] }) => ['', `${names.join(', ')}: ${state}`, ...sentences.map(text => `  ${text}`)])
  ])
  return qualities.some(([, { state }]) => state === 'failed' || state === 'missing') ? EXIT.found : EXIT.ok
}

function describe ({ state, why, served, cached }: Quality): string[] {
  return [WORDS[state] ?? state, why, `A listener gets now: ${served}.`, ...cached ? [cached.eviction] : []].map(withLocalTimes)
}
