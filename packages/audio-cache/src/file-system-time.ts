import { randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { privatePartPath } from './cached-paths.ts'

/** How long the difference of two clocks is remembered. */
const REMEMBER_MS = 10_000

/** By directory: how far the clock of its file system is ahead of performance.now(), in milliseconds, and when that was measured. */
const clocks = new Map<string, { aheadMs: number, measuredAt: number }>()

/**
 * The time by the clock that the file system of a directory gives its files: that of the file server, for a network file
 * system. It is the same for all hosts, whose own clocks may differ by hours. It is read from a new file, which is deleted at
 * once, every ten seconds, and goes on by this process's monotonic clock in between.
 *
 * @param dir the cache directory
 * @param options.isFresh read it now
 * @returns milliseconds since 1970; by the clock of this host where no file can be created
 */
export async function fileSystemTime (dir: string, { isFresh = false } = {}): Promise<number> {
  const known = clocks.get(dir)
  if (known && !isFresh && performance.now() - known.measuredAt < REMEMBER_MS) return performance.now() + known.aheadMs
  const now = await timeOfNewFile(dir).catch(() => undefined)
  if (now === undefined) return known ? performance.now() + known.aheadMs : Date.now()
  const measuredAt = performance.now()
  clocks.set(dir, { aheadMs: now - measuredAt, measuredAt })
  return now
}

/** Where this process dies before the file is deleted, it is removed like the part of a dead worker. */
async function timeOfNewFile (dir: string): Promise<number> {
  const path = join(dir, privatePartPath('', randomBytes(8).toString('hex')))
  const handle = await open(path, 'wx')
  try {
    return (await handle.stat()).mtimeMs
  } finally {
    await handle.close()
    await rm(path, { force: true })
  }
}
