import type { Transcode } from '@mixtape/audio-cache'
import type { Representation } from '@mixtape/library'
import {
  BLOCK_FRAMES, blockBytes, frameCount, framePosition, SAMPLE_RATE, SAMPLES_PER_FRAME, TIMESTAMP_TAG_SIZE, timestampTag,
  type TranscodeQuality
} from '@mixtape/mp3'

/** Frames of a segment, except the last: 6.4 s at 44.1 kHz. Whole blocks have the same cuts and sizes at every bitrate. */
export const SEGMENT_FRAMES = 5 * BLOCK_FRAMES

/**
 * The audio frames of an MP3 and where they lie. An Info frame is none of them: it states positions and lengths of the
 * whole file, and a player that does not know it plays it as 26 ms of silence, which no timestamp accounts for.
 */
export interface AudioFrames {
  /** In Hz. */
  sampleRate: number
  samplesPerFrame: number
  count: number
  /** @returns the position in the file of the first frame of a segment; that of the end for the number of segments */
  segmentStart (segment: number): number
}

/** @returns the frames of a transcode, by arithmetic; undefined for a file that another tool made */
export function transcodeFrames ({ provenance }: Transcode, quality: TranscodeQuality): AudioFrames | undefined {
  if (!provenance) return undefined
  const { samples, tagSize } = provenance
  const count = frameCount(samples)
  return {
    sampleRate: SAMPLE_RATE,
    samplesPerFrame: SAMPLES_PER_FRAME,
    count,
    segmentStart: segment => tagSize + framePosition(Math.min(segment * SEGMENT_FRAMES, count), quality)
  }
}

/** @returns the durations of the segments, in seconds */
export function segmentDurations ({ count, samplesPerFrame, sampleRate }: AudioFrames): number[] {
  return Array.from({ length: Math.ceil(count / SEGMENT_FRAMES) }, (_, segment) =>
    Math.min(count - segment * SEGMENT_FRAMES, SEGMENT_FRAMES) * samplesPerFrame / sampleRate)
}

/** @returns the bit rate of the segments of a transcode with their tags, in bit/s */
export function transcodeBandwidth (quality: TranscodeQuality): number {
  const seconds = SEGMENT_FRAMES * SAMPLES_PER_FRAME / SAMPLE_RATE
  return Math.ceil((TIMESTAMP_TAG_SIZE + SEGMENT_FRAMES / BLOCK_FRAMES * blockBytes(quality)) * 8 / seconds)
}

/** @returns the largest bit rate of the segments with their tags, in bit/s; a last, shorter one does not count */
export function peakBandwidth (frames: AudioFrames): number {
  const bandwidths = segmentDurations(frames).map((seconds, segment) =>
    Math.ceil((TIMESTAMP_TAG_SIZE + frames.segmentStart(segment + 1) - frames.segmentStart(segment)) * 8 / seconds))
  return Math.max(...bandwidths.slice(0, 1), ...bandwidths.slice(1, -1))
}

/**
 * Makes a segment of packed audio (RFC 8216, 3.4): a timestamp tag, then frames, which are read out of the MP3. Closing
 * the segment closes the MP3.
 *
 * @param generation of the MP3
 * @returns undefined where the MP3 has no such segment
 */
export function hlsSegment (
  file: Representation, frames: AudioFrames, generation: string, segment: number
): Representation | undefined {
  const firstFrame = segment * SEGMENT_FRAMES
  if (firstFrame >= frames.count) return undefined
  const tag = timestampTag(firstFrame * frames.samplesPerFrame, frames.sampleRate)
  const start = frames.segmentStart(segment)
  return {
    size: tag.length + frames.segmentStart(segment + 1) - start,
    etag: `"${generation}-${segment}"`,
    mtimeNs: undefined,
    async read (buffer, length, position, isAborted) {
      const copied = position < tag.length ? tag.copy(buffer, 0, position, position + length) : 0
      if (copied === length) return copied
      const from = start + position + copied - tag.length
      const bytesRead = await file.read(buffer.subarray(copied), length - copied, from, isAborted)
      return bytesRead === 0 ? 0 : copied + bytesRead
    },
    ...file.reach && {
      reach: async (position, ...wait) => await file.reach!(start + Math.max(position - tag.length, 0), ...wait)
    },
    close: () => file.close()
  }
}
