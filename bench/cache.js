import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheStats, clearCache, evict } from '@mixtape/audio-cache/upkeep'

const SIZES = [10_000, 100_000, 1_000_000]

/**
 * How long it takes to count, to clear nothing, and to evict one per cent of a cache, by its number of files, and the
 * memory that takes. Files are a few bytes: what costs is their number.
 *
 * @returns rows for the report
 */
export async function benchCache () {
  const rows = []
  const dir = mkdtempSync(join(tmpdir(), 'bench-cache-'))
  let made = 0
  for (const files of SIZES) {
    for (; made < files; made++) {
      const folder = join(dir, `${made % 1000}`, `${Math.floor(made / 1000) % 10}`)
      if (made < 10_000) mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, `${made}_medium.mp3`), 'x')
    }
    rows.push({ files, what: 'stats', ...await measure(() => cacheStats(dir)) })
    rows.push({ files, what: 'clear, dry run', ...await measure(() => clearCache(dir, { dryRun: true })) })
    rows.push({
      files,
      what: 'evict 1 %',
      ...await measure(() => evict(dir, files / 100, async found => found.map(({ mtimeMs }) => [mtimeMs])))
    })
    made = Math.floor(made * 0.99)
  }
  rmSync(dir, { recursive: true })
  return rows
}

/** Wall time, the memory that was added at the peak, and the longest time that the event loop answered nobody. */
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
  const began = performance.now()
  await action()
  clearInterval(timer)
  return {
    seconds: Number(((performance.now() - began) / 1000).toFixed(2)),
    'peak MiB': Number(((peak - start) / 2 ** 20).toFixed(1)),
    'loop blocked ms': Number(longest.toFixed(1))
  }
}
