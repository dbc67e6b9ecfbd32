import { dirname, join } from 'node:path'
import { openFile, type Library } from '@mixtape/library'
import { cachedPaths, qualityOf } from '../cached-paths.ts'
import { completeSize, isMadeFrom, readProvenance } from '../provenance.ts'
import { walk } from './walk.ts'

/** A cached MP3, and what about it is not what it claims; undefined where nothing is. */
export interface Verified {
  /** Relative to the cache directory. */
  path: string
  problem: string | undefined
}

/**
 * Compares each cached MP3 with its provenance: its size, its name, and its source. A file without provenance, which another
 * tool made, claims nothing.
 */
export async function verifyCached (dir: string, library: Library, visit: (file: Verified) => Promise<void>): Promise<void> {
  await walk(dir, async ({ path, name }) => {
    const quality = qualityOf(name)
    const file = quality && await openFile(join(dir, path))
    if (!file) return false
    const provenance = await readProvenance(file).finally(() => file.close())
    let problem: string | undefined
    if (file.size === 0) problem = 'It is empty'
    if (provenance) {
      const source = join(dirname(path), provenance.file)
      const size = completeSize(provenance, quality)
      const track = await library.open(source)
      await track?.close()
      if (file.size !== size) problem = `It has ${file.size} bytes, and should have ${size}`
      else if (!cachedPaths(source, quality).includes(path)) problem = `It was made from ${source}, and has the name of another track`
      else if (!track) problem = `Its source is gone: ${source}`
      else if (!isMadeFrom(track, provenance)) problem = `Its source has changed since: ${source}`
    }
    await visit({ path, problem })
    return false
  })
}
