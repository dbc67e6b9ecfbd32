import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { openFile, type Library } from '@mixtape/library'
import type { TranscodeQuality } from '@mixtape/mp3'
import { isPartName, isSegmentPath, isThumbnailOf, qualityOf, thumbnailSource } from '../cached-paths.ts'
import { isMadeFrom, isOutdated, readProvenance } from '../provenance.ts'
import { clearDeadParts } from './clear.ts'
import { DeletedPaths, type OnDeleted } from './deleted-paths.ts'
import { removeIfUnchanged, walk, type Entry } from './walk.ts'

/** Result of removing orphans. */
export interface OrphansRemoved {
  /** Cached files whose source is gone or has changed, or that a pipeline made whose files are not served any more. */
  orphans: number
  bytes: number
  /** Parts of workers that died. */
  parts: number
  /** Files that another tool made, or that do not belong to the cache. They stay. */
  foreign: number
  /** Some cached files that an older pipeline made: paths of their tracks, and their qualities. They stay. */
  outdated: { path: string, quality: TranscodeQuality }[]
}

/** Outdated files that one run reports, so that they are replaced little by little. */
const MAX_OUTDATED = 1000

/**
 * Deletes cached files whose source is gone or has changed, or that a pipeline made whose files are not served any more;
 * thumbnails of covers that are gone or have changed; parts of dead workers; and empty directories. Of the MP3s, only those
 * with a provenance frame are deleted.
 *
 * @throws where the library is empty or not readable: probably its disk is not mounted
 */
export async function removeOrphans (
  dir: string, library: Library, onDeleted: OnDeleted
): Promise<OrphansRemoved> {
  const names = await readdir(library.root).catch(() => [])
  if (names.length === 0) throw new Error('The library is empty or not mounted: no orphans are removed')
  const result: OrphansRemoved = { orphans: 0, bytes: 0, parts: await clearDeadParts(dir), foreign: 0, outdated: [] }
  const deleted = new DeletedPaths(onDeleted)
  await walk(dir, async entry => {
    const kind = await classify(dir, entry, library)
    if (kind === 'foreign') result.foreign++
    if (typeof kind === 'object' && result.outdated.length < MAX_OUTDATED) result.outdated.push(kind)
    if (kind !== 'orphan' || !await removeIfUnchanged(dir, entry)) return false
    result.orphans++
    result.bytes += entry.size
    await deleted.add(entry.path)
    return true
  }, { prune: true })
  await deleted.flush()
  return result
}

async function classify (
  dir: string, { path, name }: Entry, library: Library
): Promise<'valid' | 'orphan' | 'foreign' | OrphansRemoved['outdated'][number]> {
  if (isPartName(name) || isSegmentPath(path)) return 'valid'
  const picture = thumbnailSource(path)
  if (picture) {
    const source = picture.isShortened ? await findSource(path, library) : picture.path
    return source !== undefined && await versionOf(source, library) === picture.version ? 'valid' : 'orphan'
  }
  const quality = qualityOf(name)
  if (!quality) return 'foreign'
  const file = await openFile(join(dir, path))
  if (!file) return 'valid'
  const provenance = await readProvenance(file).finally(() => file.close())
  if (!provenance) return 'foreign'
  const track = await library.open(join(dirname(path), provenance.file))
  await track?.close()
  if (!track || !isMadeFrom(track, provenance)) return 'orphan'
  return isOutdated(provenance) ? { path: track.path, quality } : 'valid'
}

/** Looks in the folder of a thumbnail whose name is shortened for the track or the picture that it was made from. */
async function findSource (thumbnail: string, library: Library): Promise<string | undefined> {
  const parent = dirname(thumbnail)
  const { tracks, pictures } = await library.list(parent === '.' ? '' : parent) ?? { tracks: [], pictures: [] }
  return [...pictures, ...tracks].map(name => join(parent, name)).find(source => isThumbnailOf(source, thumbnail))
}

async function versionOf (path: string, library: Library): Promise<string | undefined> {
  const file = await library.open(path) ?? await library.openPicture(path)
  await file?.close()
  return file?.version
}
