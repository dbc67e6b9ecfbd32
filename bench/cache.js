import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheStats, clearCache, evict } from '@mixtape/audio-cache/upkeep'

const SIZES = [10_000, 100_000, 1_000_000]

/**
 * Measures statistics, a dry run of clear, and the eviction of 1 % of a cache, by the number of its files. The files are
 * tiny, because the cost depends on their number.
 *
 * @returns rows for the report
 */
export async function benchCache () {
  const rows = []
  const dir = mkdtempSync(join(tmpdir(), 'bench-cache-'))
  let fileCount = 0
  for (const files of SIZES) {
    for (; fileCount < files; fileCount++) {
      const folder = join(dir, `${fileCount % 1000}`, `${Math.floor(fileCount / 1000) % 10}`)
      if (fileCount < 10_000) mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, `${fileCount}_medium.mp3`), 'x')
    }
    rows.push({ files, what: 'stats', ...await measure(() => cacheStats(dir)) })
    rows.push({ files, what: 'clear, dry run', ...await measure(() => clearCache(dir, { dryRun: true })) })
    rows.push({
      files,
      what: 'evict 1 %',
      ...await measure(() => evict(dir, files / 100, async found => found.map(({ mtimeMs }) => [mtimeMs])))
    })
    fileCount = Math.floor(fileCount * 0.99)
  }
  rmSync(dir, { recursive: true })
  return rows
}

/** @returns the time that an action takes, the memory that it adds at its peak, and the longest block of the event loop */
async function measure (action) {
  global.gc?.()
  const start = process.memoryUsage.rss()
  let peak = start
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
    longest = Math.max(longest, performance.now() - last - 5)
    last = performance.now()
  }, 5)
  const startedAt = performance.now()
  await action()
  clearInterval(timer)
  return {
    seconds: Number(((performance.now() - startedAt) / 1000).toFixed(2)),
    'peak MiB': Number(((peak - start) / 2 ** 20).toFixed(1)),
    'loop blocked ms': Number(longest.toFixed(1))
  }
}
