import type { AudioCache } from '@mixtape/audio-cache'
import type { Library } from '@mixtape/library'
import type { TranscodeQuality } from '@mixtape/mp3'
import type { TranscodeJob, TranscodeProducer } from '@mixtape/transcode-queue'

/** Where the state of a track is found: its source, its cached files, its jobs. */
export interface TrackStores {
  library: Library
  cache: AudioCache
  producer: TranscodeProducer
}

export interface PrecacheResult {
  /** New jobs. A track at three qualities makes three. */
  enqueued: number
  /** Transcodes that are cached already. */
  cached: number
  /** Tracks that are served unchanged at every quality. */
  not_transcodable: number
  /** Paths that are not tracks of the library. */
  missing: string[]
}

/**
 * Enqueues the transcodes that tracks lack at some qualities. A path that occurs twice counts once.
 *
 * @throws where Redis is away; the jobs that were enqueued before stay
 */
export async function precache (
  { library, cache, producer }: TrackStores,
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
