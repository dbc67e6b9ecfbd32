import type { Representation } from './representation.ts'

/** A page has at most 65,307 bytes (RFC 3533, 6). So this many last bytes of a file contain the start of its last page. */
const TAIL_BYTES = 66_000

const GRANULE_OFFSET = 6

/**
 * Reads the length of an Ogg file from its last page, where it is stated as a number of samples. Reading all pages, as
 * music-metadata would, takes as long as reading the whole file.
 *
 * @param sampleRate in Hz; 48,000 for Opus
 * @returns seconds; undefined where no page states them. For Opus some milliseconds too long: the pre-skip is not subtracted
 */
export async function oggDuration (file: Representation, sampleRate: number): Promise<number | undefined> {
  const length = Math.min(file.size, TAIL_BYTES)
  const buffer = Buffer.alloc(length)
  const tail = buffer.subarray(0, await file.read(buffer, length, file.size - length, () => false))
  let start = tail.lastIndexOf('OggS')
  for (; start >= 0; start = start > 0 ? tail.lastIndexOf('OggS', start - 1) : -1) {
    if (start + GRANULE_OFFSET + 8 > tail.length) continue
    const samples = tail.readBigInt64LE(start + GRANULE_OFFSET)
    if (samples > 0n) return Number(samples) / sampleRate // -1: no packet ends on this page
  }
}
