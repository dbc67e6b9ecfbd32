import { basename, join } from 'node:path'
import { openFile, type Track } from '@mixtape/library'
import type { TranscodeQuality } from '@mixtape/mp3'
import type { AudioCache } from './audio-cache.ts'
import { cachedPaths } from './cached-paths.ts'
import { PROFILE, readProvenance } from './provenance.ts'

/** A file at a path where the transcode of a track could be. */
export interface InspectedFile {
  /** Relative to the cache directory. */
  path: string
  size: number
  /** When it was cached, in milliseconds since 1970. */
  cachedAt: number
  /** The source it was made from: its name, and its size and mtime. Undefined where another tool made it. */
  madeFrom: { file: string, version: string } | undefined
  /**
   * Why it is a hit or not: `source-gone`, `other-source` of the same stem, `source-changed`, `older-pipeline` of this
   * project, `wrong-size`; `not-trusted` where another tool made it, and it is older than the source, or no source or several
   * ones have its stem.
   */
  verdict: 'hit' | 'source-gone' | 'other-source' | 'source-changed' | 'older-pipeline' | 'wrong-size' | 'not-trusted'
}

/**
 * Looks at the files at both paths where the transcode of a track could be, for an operator who asks why.
 *
 * @param track undefined where the source is gone
 */
export async function inspectCached (
  cache: AudioCache, path: string, track: Track | undefined, quality: TranscodeQuality
): Promise<InspectedFile[]> {
  const found = track && await cache.find(track, quality)
  const hit = found?.status === 'hit' ? found.path : undefined
  if (found?.status === 'hit') await found.file.close()
  const files: InspectedFile[] = []
  for (const cachedPath of cachedPaths(path, quality)) {
    const file = await openFile(join(cache.dir, cachedPath))
    if (!file) continue
    const provenance = await readProvenance(file).finally(() => file.close())
    let verdict: InspectedFile['verdict']
    if (cachedPath === hit) verdict = 'hit'
    else if (!provenance) verdict = 'not-trusted'
    else if (provenance.file !== basename(path)) verdict = 'other-source'
    else if (!track) verdict = 'source-gone'
    else if (provenance.version !== track.version) verdict = 'source-changed'
    else if (provenance.profile !== PROFILE) verdict = 'older-pipeline'
    else verdict = 'wrong-size'
    files.push({
      path: cachedPath,
      size: file.size,
      cachedAt: Number(file.mtimeNs / 1_000_000n),
      madeFrom: provenance && { file: provenance.file, version: provenance.version },
      verdict
    })
  }
  return files
}
