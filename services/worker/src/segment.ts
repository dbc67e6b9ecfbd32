import { GrowingFile, NEAR_BLOCKS, type AudioCache, type Blocks, type Segments } from '@mixtape/audio-cache'
import type { Track } from '@mixtape/library'
import { bitrates, blockBytes, framePosition, mp3Size, type TranscodeQuality } from '@mixtape/mp3'
import { span } from '@mixtape/tracing'
import { probe } from './probe.ts'
import { transcode, type EncoderRun } from './transcode.ts'

/** Most blocks of a segment of a long track: 5 minutes of audio. */
const SEGMENT_BLOCKS = 234

/** Tracks of more than 10 minutes are cut into segments that all free workers encode at once. */
const LONG_BLOCKS = 468

/**
 * Cuts a long track into segments, so that other workers can help the one that encodes it from the start. The last segment
 * comes first: the helpers work from the end towards the first worker. Each overlaps the next by one block, which shows
 * that they agree.
 *
 * @param samples per channel at 44.1 kHz
 */
export function cutIntoSegments (samples: number, quality: TranscodeQuality): Blocks[] {
  const { blocks } = audio(samples, quality)
  if (blocks <= LONG_BLOCKS) return []
  const count = Math.ceil(blocks / SEGMENT_BLOCKS)
  return Array.from({ length: count - 1 }, (_, i) => {
    const first = (count - 1 - i) * SEGMENT_BLOCKS
    return { first, end: Math.min(first + SEGMENT_BLOCKS + 1, blocks) }
  })
}

export interface MakeSegmentOptions extends EncoderRun {
  /** Whether a listener waits for it, who may leave. */
  isForListener: boolean
  /** @throws where the source has changed meanwhile */
  checkUnchanged: () => Promise<void>
}

/**
 * Encodes a segment of a track that another encoder, which started at the start of the track, has not reached yet; of one
 * that it has reached, the second half of the rest. It stops one block after it comes to another segment, where it comes to
 * the end, and when nobody waits for it any more.
 *
 * @param asked the blocks that the job asks for
 */
export async function makeSegment (
  cache: AudioCache, track: Track, quality: TranscodeQuality, asked: Blocks,
  { isForListener, checkUnchanged, ...run }: MakeSegmentOptions
): Promise<void> {
  const { samples, isSeekable, startTime } = await span('probe', async () => await probe({ input: track.realPath, ...run }))
  const segments = cache.segments(track, quality, samples)
  const { bytes, blocks } = audio(samples, quality)
  const end = Math.min(asked.end, blocks)
  const reached = await blocksReached(cache, track, quality)
  if (reached > asked.first && (isForListener || end - reached < 2 * NEAR_BLOCKS)) return
  const first = reached > asked.first ? Math.ceil((reached + end) / 2) : asked.first
  const start = first * segments.blockBytes
  if (!isSeekable || start >= bytes || !await segments.areOpen()) return
  // The first block may be the last one of the segment before.
  if (await isWritten(segments, Math.min(start + segments.blockBytes, bytes - 1))) return
  // Listeners that left say nothing about the segments of a long track.
  const isUnwanted = async () => isForListener ? await segments.isStopped(first) : !await segments.areOpen()
  if (await isUnwanted()) return
  const segment = await segments.create(first)
  if (!segment) return
  try {
    await transcode({
      input: track.realPath,
      samples,
      bitrate: bitrates[quality],
      firstBlock: first,
      startTime,
      ...run,
      write: async chunk => {
        await segment.append(chunk)
        const { position, id } = segment
        const ahead = Math.min(position + NEAR_BLOCKS * segments.blockBytes, bytes)
        // Without a common block, a third encoder would have to start and show that both agree: 0.27 s for each segment.
        const overlap = Math.max(position - segments.blockBytes, start)
        return position >= end * segments.blockBytes || await isUnwanted() || await isWritten(segments, overlap, ahead, id)
      }
    })
    await checkUnchanged()
    await segment.finish(bytes)
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

/** @returns the blocks that the encoder which started at the start of the track has written */
async function blocksReached (cache: AudioCache, track: Track, quality: TranscodeQuality): Promise<number> {
  const growing = await cache.findGrowing(track, quality)
  if (!(growing instanceof GrowingFile)) return 0
  await growing.close()
  return growing.blocks
}
