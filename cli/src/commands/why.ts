import { encodePath } from '@mixtape/track-paths'
import { print } from '../output.ts'
import { EXIT, type Server } from '../server.ts'

interface Quality { state: string, why: string, served: string, cached: { eviction: string } | null }

/** Says why a track is cached at each quality, or is not. @returns 1 where it is missing or failed */
export async function why (server: Server, path: string, { json }: { json?: boolean }): Promise<number> {
  const track = await server.get<{ mixtapes: string[], qualities: Record<string, Quality> }>(`/admin/tracks/${encodePath(path)}`)
  const qualities = Object.entries(track.qualities)
  print(json, track, [
    path,
    ...track.mixtapes.length > 0 ? [`In the mixtapes: ${track.mixtapes.join(', ')}`] : [],
    ...qualities.flatMap(([name, { state, why, served, cached }]) => [
      '', `${name}: ${state}`, `  ${why}`, `  A listener gets now: ${served}.`, ...cached ? [`  ${cached.eviction}`] : []
    ])
  ])
  return qualities.some(([, { state }]) => state === 'failed' || state === 'missing') ? EXIT.found : EXIT.ok
}
