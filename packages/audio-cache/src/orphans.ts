import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { qualityOf } from './cached-name.ts'
import { openFile } from './open-file.ts'
import { provenanceOf } from './provenance.ts'
import { removeExactly, sweepParts, walk, type Entry } from './walk.ts'
import type { Library } from './library.ts'

export interface Sweep {
  /** Cached files whose source is gone or has changed. */
  orphans: number
  bytes: number
  /** Parts of workers that died. */
  parts: number
  /** Files that another tool made, or that are none of the cache's: they stay. */
  foreign: number
  /** Paths of the orphans, relative to the cache directory. */
  paths: string[]
}

/**
 * Deletes what no source stands behind any more, as far as a file proves itself that it is one of ours.
 *
 * @throws where the library is empty or not there: then a disk is missing, not every recording
 */
export async function sweepOrphans (dir: string, library: Library, profile: number): Promise<Sweep> {
  const names = await readdir(library.root).catch(() => [])
  if (names.length === 0) throw new Error('The library is empty or not mounted: nothing is swept')
  const result: Sweep = { orphans: 0, bytes: 0, parts: await sweepParts(dir), foreign: 0, paths: [] }
  await walk(dir, async entry => {
    const kind = await judge(dir, entry, library, profile)
    if (kind === 'foreign') result.foreign++
    if (kind !== 'orphan' || !await removeExactly(dir, entry)) return false
    result.orphans++
    result.bytes += entry.size
    result.paths.push(entry.path)
    return true
  }, { prune: true })
  return result
}

async function judge (
  dir: string, { path, name }: Entry, library: Library, profile: number
): Promise<'kept' | 'orphan' | 'foreign'> {
  if (name.endsWith('.part')) return 'kept'
  if (!qualityOf(name)) return 'foreign'
  const file = await openFile(join(dir, path))
  if (!file) return 'kept'
  const provenance = await provenanceOf(file).finally(() => file.close())
  if (!provenance) return 'foreign'
  const track = await library.open(join(dirname(path), provenance.file))
  await track?.close()
  return track?.version === provenance.version && provenance.profile === profile ? 'kept' : 'orphan'
}
