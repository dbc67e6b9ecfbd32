import type { OpenFile, Representation, Track } from '@mixtape/library'
import {
  framePosition, ID3V1_SIZE, id3v2, id3v2Size, mp3Size, readUserText, type Tags, type TranscodeQuality
} from '@mixtape/mp3'

/**
 * Version of the transcoding pipeline, stored in every cached file: 2 padded short sources, 3 has no bit reservoir.
 * Raising it makes the files of older profiles outdated: they are served until the nightly run has replaced them.
 */
export const PROFILE = 3

/** Files of older profiles are stale: they are not served any more. */
const OLDEST_SERVED_PROFILE = 2

/** What a cached file was made from, and how. A look-up compares this with the source to tell a hit from a stale file. */
export interface Provenance {
  /** File name of the source, with its extension. */
  file: string
  /** Size and mtime of the source, as `Track.version` has them. */
  version: string
  /** Samples per channel at 44.1 kHz. */
  samples: number
  /** `PROFILE` of the pipeline that made the file. */
  profile: number
  /** Random id of the part. The bytes of two parts may differ, because encoders differ between machines. */
  generation: string
}

/** Provenance that was read from a file, with the bytes of the ID3v2 tag that holds it. */
export type StoredProvenance = Provenance & { tagSize: number }

/** The MP3 of a track at one quality, cached or growing. */
export interface Transcode extends Representation {
  /** Undefined for a file that another tool made. */
  readonly provenance: StoredProvenance | undefined
}

/** Description of the TXXX frame that holds the provenance as JSON. */
const FRAME = 'mixtape-audio'

/** Bytes from the start of a file within which its provenance ends: it is the first frame of the tag. */
export const PROVENANCE_REACH = 2048

/** Makes the ID3v2 tag of a transcode: provenance first, then the tags of its source. */
export function transcodeTag (tags: Tags, provenance: Provenance): Buffer {
  return id3v2(tags, { description: FRAME, value: JSON.stringify(provenance) })
}

/**
 * @param head the first `PROVENANCE_REACH` bytes of a file, or fewer
 * @returns undefined for a file that another tool made, and where the frame is not complete in `head`
 */
export function parseProvenance (head: Buffer): StoredProvenance | undefined {
  const value = readUserText(head, FRAME)
  if (!value) return undefined
  try {
    return { ...JSON.parse(value) as Provenance, tagSize: id3v2Size(head) }
  } catch {
    return undefined
  }
}

/** @returns undefined for a file that another tool made */
export async function readProvenance (file: OpenFile): Promise<StoredProvenance | undefined> {
  return parseProvenance(await file.head(PROVENANCE_REACH))
}

/** @returns whether a file was made from this track in its present version, by a pipeline whose files are served */
export function isMadeFrom (track: Track, { file, version, profile }: Provenance): boolean {
  return file === track.name && version === track.version && profile >= OLDEST_SERVED_PROFILE
}

/** @returns whether a file that is still served should be replaced */
export function isOutdated ({ profile }: Provenance): boolean {
  return profile < PROFILE
}

/** @returns the bytes that the complete file has */
export function completeSize ({ tagSize, samples }: StoredProvenance, quality: TranscodeQuality): number {
  return tagSize + mp3Size(samples, quality) + ID3V1_SIZE
}

/** @returns the position of the first audio frame, after the tag and the Info frame */
export function audioStart ({ tagSize }: StoredProvenance, quality: TranscodeQuality): number {
  return tagSize + framePosition(0, quality)
}

/** A strong entity tag (RFC 9110, 8.8.1). It is the same while the file grows and after it was published. */
export function entityTag ({ generation }: Provenance): string {
  return `"${generation}"`
}
