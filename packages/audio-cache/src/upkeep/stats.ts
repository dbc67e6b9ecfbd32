import { generationOf, kindOf, type CachedKind } from '../cached-paths.ts'
import { walk } from './walk.ts'

/** Number and sizes of files, by what they are. */
export type CountsByKind = Record<CachedKind, { files: number, bytes: number }>

export function noFiles (): CountsByKind {
  const none = () => ({ files: 0, bytes: 0 })
  return { high: none(), medium: none(), low: none(), cover: none() }
}

/** Number and sizes of the cached files. */
export interface CacheStats {
  bytes: number
  files: number
  byKind: CountsByKind
  /** Generations of the parts. */
  parts: string[]
  /** When the oldest file was cached, in milliseconds since 1970; undefined for an empty cache. */
  oldest: number | undefined
  newest: number | undefined
}

/** Counts the cached files with one walk over the directory. */
export async function cacheStats (dir: string): Promise<CacheStats> {
  const total: CacheStats = { bytes: 0, files: 0, byKind: noFiles(), parts: [], oldest: undefined, newest: undefined }
  await walk(dir, entry => {
    const generation = generationOf(entry.name)
    if (generation) total.parts.push(generation)
    const kind = kindOf(entry.name)
    if (!kind) return false
    for (const sum of [total, total.byKind[kind]]) {
      sum.bytes += entry.size
      sum.files += 1
    }
    total.oldest = Math.min(total.oldest ?? Infinity, entry.mtimeMs)
    total.newest = Math.max(total.newest ?? -Infinity, entry.mtimeMs)
    return false
  })
  return total
}
