/** Media type of a playlist (RFC 8216, 4). */
export const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl'

/** A level as the master playlist lists it. */
export interface Variant {
  /** URL of its playlist, relative to the master playlist. */
  uri: string
  /** Largest bit rate of its segments, in bit/s. */
  bandwidth: number
}

/** Makes a master playlist (RFC 8216, 4.3.4). mp4a.40.34 is MPEG-1 layer III (RFC 6381, ISO 14496-3 object type 34). */
export function masterPlaylist (variants: Variant[]): string {
  return lines('#EXTM3U', '#EXT-X-VERSION:3', ...variants.flatMap(({ uri, bandwidth }) => [
    `#EXT-X-STREAM-INF:BANDWIDTH=${bandwidth},CODECS="mp4a.40.34"`, uri
  ]))
}

/**
 * Makes the playlist of a level (RFC 8216, 4.3.3).
 *
 * @param durations of its segments, in seconds
 * @param uri returns the URL of a segment, relative to the playlist
 * @param options.areIndependent whether each segment can be decoded without the one before it
 */
export function levelPlaylist (
  durations: number[], uri: (segment: number) => string, { areIndependent }: { areIndependent: boolean }
): string {
  return lines(
    '#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXT-X-TARGETDURATION:${Math.ceil(durations[0] ?? 0)}`, // the first segment is the longest
    ...areIndependent ? ['#EXT-X-INDEPENDENT-SEGMENTS'] : [],
    // Six decimals: a sample at 48 kHz lasts 21 millionths of a second.
    ...durations.flatMap((seconds, segment) => [`#EXTINF:${seconds.toFixed(6)},`, uri(segment)]),
    '#EXT-X-ENDLIST'
  )
}

function lines (...lines: string[]): string {
  return lines.map(line => `${line}\n`).join('')
}
