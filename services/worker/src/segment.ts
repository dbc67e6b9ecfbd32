import { GrowingFile, type AudioCache, type Blocks, type Segments } from '@mixtape/audio-cache'
import type { Track } from '@mixtape/library'
import { bitrates, blockBytes, framePosition, mp3Size, type TranscodeQuality } from '@mixtape/mp3'
import { probe } from './probe.ts'
import { transcode } from './transcode.ts'

/** An encoder stops where another one is so many blocks ahead. */
const AHEAD_BLOCKS = 16

/** Most blocks of a segment of a long track: 5 minutes, which an encoder makes in about 1.5 s. */
const CHUNK_BLOCKS = 234

/** Tracks of more than 10 minutes are cut into segments that all free workers encode at once. */
const LONG_BLOCKS = 468

/**
 * Cuts a long track into segments, so that other workers can help the one that encodes it from the start. The last segment
 * comes first: the helpers come to meet the first worker. Each overlaps the next by one block, which shows that they agree.
 *
 * @param samples per channel at 44.1 kHz
 */
export function cutIntoSegments (samples: number, quality: TranscodeQuality): Blocks[] {
  const { blocks } = audio(samples, quality)
  if (blocks <= LONG_BLOCKS) return []
  const count = Math.ceil(blocks / CHUNK_BLOCKS)
  return Array.from({ length: count - 1 }, (_, i) => {
    const first = (count - 1 - i) * CHUNK_BLOCKS
    return { first, end: Math.min(first + CHUNK_BLOCKS + 1, blocks) }
  })
}

/**
 * Encodes a segment of a track that another encoder, which started at the start of the track, has not reached yet. It stops
 * where it comes to the end or to another segment, and when nobody waits for it any more.
 */
export async function makeSegment (
  cache: AudioCache, track: Track, { quality, blocks: { first, end } }: { quality: TranscodeQuality, blocks: Blocks },
  { niceness, signal }: { niceness: number, signal: AbortSignal }
): Promise<void> {
  const { samples, isSeekable } = await probe({ input: track.realPath, niceness, signal })
  const segments = cache.segments(track, quality, samples)
  const { bytes, blocks } = audio(samples, quality)
  const start = first * segments.blockBytes
  const stop = Math.min(end, blocks) * segments.blockBytes
  if (!isSeekable || start >= bytes || await segments.isStopped(first)) return
  if (await isWritten(segments, start) || await isReached(cache, track, quality, first)) return
  const segment = await segments.create(first)
  if (!segment) return
  try {
    await transcode({
      input: track.realPath,
      samples,
      bitrate: bitrates[quality],
      firstBlock: first,
      niceness,
      signal,
      write: async chunk => {
        await segment.append(chunk)
        const { position, id } = segment
        const ahead = Math.min(position + AHEAD_BLOCKS * segments.blockBytes, bytes)
        return position >= stop || await segments.isStopped(first) || await isWritten(segments, position, ahead, id)
      }
    })
    await segment.finish(bytes)
  } catch (error) {
    if (signal.aborted) await segment.finish(bytes) // the next worker need not make it again
    throw error
  } finally {
    await segment.discard()
  }
}

/** Bytes and blocks of the audio, which is without tags and Info frame. The last block may be shorter. */
function audio (samples: number, quality: TranscodeQuality): { bytes: number, blocks: number } {
  const bytes = mp3Size(samples, quality) - framePosition(0, quality)
  return { bytes, blocks: Math.ceil(bytes / blockBytes(quality)) }
}

async function isWritten (segments: Segments, start: number, end = start + 1, except?: string): Promise<boolean> {
  const found = await segments.find(start, end, except)
  await found?.file.close()
  return found !== undefined
}

/** Whether the encoder that started at the start of the track has come to a block. */
async function isReached (cache: AudioCache, track: Track, quality: TranscodeQuality, block: number): Promise<boolean> {
  const growing = await cache.findGrowing(track, quality)
  if (!(growing instanceof GrowingFile)) return false
  await growing.close()
  return growing.blocks > block
}
