import type { Track } from './library.ts'
import { mp3Size } from './mp3-layout.ts'
import type { OpenFile } from './open-file.ts'
import type { TranscodeQuality } from './qualities.ts'
import { ID3V1_SIZE, PROVENANCE_REACH, readProvenance, type Provenance } from './tag.ts'

/** Version of the pipeline behind every cached file: raise it, and what was made before is stale. */
export const PROFILE = 2

export type Found = Provenance & { tagSize: number }

/** @returns what a complete file says it was made from; undefined for one that another tool made */
export async function provenanceOf (file: OpenFile): Promise<Found | undefined> {
  return readProvenance(await file.head(PROVENANCE_REACH))
}

/** @returns whether a file was made from a track as the track is now */
export function isMadeFrom (track: Track, { file, version, profile }: Provenance): boolean {
  return file === track.name && version === track.version && profile === PROFILE
}

/** @returns bytes that the finished file has */
export function fileSize ({ tagSize, samples }: Found, quality: TranscodeQuality): number {
  return tagSize + mp3Size(samples, quality) + ID3V1_SIZE
}

/** Bytes differ between machines and builds of ffmpeg, so the tag follows the run of the encoder (RFC 9110, 8.8.1). */
export function etagOf ({ generation }: Provenance): string {
  return `"${generation}"`
}
