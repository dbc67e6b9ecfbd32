import { frame, tag } from './id3v2.ts'

const OWNER = 'com.apple.streaming.transportStreamTimestamp'

/** Ticks per second of an MPEG-2 transport stream. */
const CLOCK_HZ = 90_000

/** Bytes of a tag that `timestampTag` makes. */
export const TIMESTAMP_TAG_SIZE = 73

/**
 * Makes the ID3v2.4 tag at the start of a segment of HTTP Live Streaming, which tells a player when the first sample of
 * the segment is played: a PRIV frame with a transport stream timestamp of 33 bits (RFC 8216, 3.4).
 *
 * @param sample number of the first sample of the segment
 * @param sampleRate in Hz
 */
export function timestampTag (sample: number, sampleRate: number): Buffer {
  const ticks = Buffer.alloc(8)
  ticks.writeBigUInt64BE(BigInt.asUintN(33, BigInt(Math.round((sample * CLOCK_HZ) / sampleRate))))
  return tag([frame('PRIV', Buffer.concat([Buffer.from(`${OWNER}\0`), ticks]))])
}
