import type { AudioCache, Library, TranscodeQuality } from '@mixtape/audio-cache'
import type { TranscodeJob } from './job.ts'
import type { TranscodeProducer } from './producer.ts'

export interface PrecacheResult {
  /** Jobs that are new; a track at three qualities is three. */
  enqueued: number
  /** Transcodes that are there already. */
  cached: number
  /** Tracks that are served as they are at every quality. */
  not_transcodable: number
  /** Paths that are no track of the library. */
  missing: string[]
}

/**
 * Enqueues what tracks lack at some qualities. A path that comes twice counts once.
 *
 * @throws where Redis is away; what was enqueued until then stays
 */
export async function precache (
  { library, cache, producer }: { library: Library, cache: AudioCache, producer: TranscodeProducer },
  { paths, qualities, reason }: { paths: Iterable<string>, qualities: TranscodeQuality[], reason: TranscodeJob['reason'] }
): Promise<PrecacheResult> {
  const result: PrecacheResult = { enqueued: 0, cached: 0, not_transcodable: 0, missing: [] }
  for (const path of new Set(paths)) {
    const track = await library.open(path)
    if (!track) {
      result.missing.push(path)
      continue
    }
    try {
      if (!cache.shouldTranscode(path)) {
        result.not_transcodable++
        continue
      }
      for (const quality of qualities) {
        const found = await cache.find(track, quality)
        if (found.status === 'hit') {
          await found.file.close()
          result.cached++
        } else if ((await producer.enqueue({ path, quality, reason }, track.version)).status === 'queued') {
          result.enqueued++
        }
      }
    } finally {
      await track.close()
    }
  }
  return result
}
