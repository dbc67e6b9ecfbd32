import type { Quality } from '@mixtape/mp3'
import { encodePath } from '@mixtape/track-paths'
import type { MixtapeTracks } from '../schemas/mixtapes.ts'

/**
 * Makes an extended M3U playlist of a mixtape, for players such as VLC. It is no playlist of HTTP Live Streaming.
 *
 * @param origin of the play URLs
 * @param quality of the play URLs; undefined for originals
 */
export function playlist ({ slug, title = slug, tracks }: MixtapeTracks, origin: string, quality: Quality | undefined): string {
  const query = quality ? `?quality=${quality}` : ''
  return [
    '#EXTM3U',
    `#PLAYLIST:${oneLine(title)}`,
    ...tracks.flatMap(({ path, name, title = name, artist, duration = -1 }) => [
      `#EXTINF:${Math.round(duration)},${oneLine(artist ? `${artist} - ${title}` : title)}`,
      `${origin}/play/${encodePath(path)}${query}`
    ]),
    ''
  ].join('\n')
}

function oneLine (text: string): string {
  return text.replaceAll(/\s+/g, ' ')
}
