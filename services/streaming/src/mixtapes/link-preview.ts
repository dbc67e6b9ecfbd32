import { count } from '../count.ts'
import type { MixtapeTracks } from '../schemas/mixtapes.ts'

/** Artists that are named. */
const MAX_ARTISTS = 3

/**
 * Makes the tags of a page's head from which messengers make the preview of a link (OpenGraph). Titles come from users, so
 * all texts are escaped.
 *
 * @param total number of tracks, of which `tracks` may hold the first only
 */
export function linkPreview (
  { title, tracks }: Pick<MixtapeTracks, 'tracks'> & { title: string }, { total, url, image }: { total: number, url: string, image: string }
): string {
  const description = descriptionOf(tracks, total)
  const properties = {
    'og:type': 'music.playlist',
    'og:site_name': 'Mixtape',
    'og:title': title,
    'og:description': description,
    'og:url': url,
    'og:image': image,
    'og:image:alt': `Covers of ${title}`
  }
  return [
    `<title>${escape(title)} · Mixtape audio</title>`,
    `<meta name="description" content="${escape(description)}">`,
    '<meta name="robots" content="noindex">', // for those who were sent the link
    ...Object.entries(properties).map(([name, value]) => `<meta property="${name}" content="${escape(value)}">`),
    '<meta name="twitter:card" content="summary">'
  ].join('\n  ')
}

/** @returns such as `12 tracks by Ann, The Harbour, Line 9 and others` */
function descriptionOf (tracks: MixtapeTracks['tracks'], total: number): string {
  const artists = [...new Set(tracks.flatMap(({ artist }) => artist ?? []))]
  const tracksInWords = count(total, 'track')
  if (artists.length === 0) return tracksInWords
  const named = artists.slice(0, MAX_ARTISTS).join(', ')
  return `${tracksInWords} by ${named}${artists.length > MAX_ARTISTS ? ' and others' : ''}`
}

function escape (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
