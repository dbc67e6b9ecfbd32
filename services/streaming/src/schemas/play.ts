import { Type } from 'typebox'
import { qualities } from '@mixtape/mp3'
import { errors } from './errors.ts'

const quality = Type.String({ enum: qualities })

/** What each parameter must be, for error messages. */
export const PLAY_QUERY_ALLOWED = { quality: `must be one of: ${qualities.join(', ')}` }

/** The path of a track in a URL. Its slashes may be percent-encoded. */
const trackPath = Type.Object({
  '*': Type.String({ description: 'Path of the track, relative to the library', examples: ['demo/first-light/01-dawn.flac'] })
})

/** Bytes of a media type. */
export function bytes (mediaType: string, description: string) {
  return { description, content: { [mediaType]: { schema: Type.String({ format: 'binary' }) } } }
}

/** An answer without a body. */
export function empty (description: string) {
  return { description, type: 'null' }
}

/** The schema of GET /play/<path>. */
export const playSchema = {
  tags: ['listen'],
  summary: 'Plays a track: the original, or its MP3 at a quality',
  description: 'Ranges, preconditions and HEAD follow RFC 9110. `Cache-Status` says hit, or miss and why. A miss is answered ' +
    'with the original, or, with `AUDIO_CACHE_ON_MISS=transcode`, with the MP3 while it is made.',
  params: trackPath,
  querystring: Type.Object({
    quality: Type.Optional(Type.Union([quality, Type.Array(quality)], { description: `${qualities.join(', ')}; original by default`, examples: ['low'] }))
  }),
  response: {
    200: bytes('audio/*', 'The whole file'),
    206: bytes('audio/*', 'The range that was asked for'),
    304: empty('The client has it already'),
    ...errors(400, 404, 412, 416, 503)
  }
}

/** The schema of GET /hls/<path>. */
export const hlsSchema = {
  tags: ['listen'],
  summary: 'Plays a track by HTTP Live Streaming: playlists and segments',
  description: '`<track>.m3u8` lists the levels, `<track>/<level>.m3u8` the segments of a level, and ' +
    '`<track>/<level>/<generation>/<number>.mp3` is a segment.',
  params: Type.Object({
    '*': Type.String({ description: 'Path of the track, and what is asked for of it', examples: ['demo/first-light/01-dawn.flac.m3u8'] })
  }),
  response: {
    200: {
      description: 'A playlist, or a segment',
      content: {
        'application/vnd.apple.mpegurl': { schema: Type.String({ examples: ['#EXTM3U\n…'] }) },
        'audio/mpeg': { schema: Type.String({ format: 'binary' }) }
      }
    },
    206: bytes('audio/mpeg', 'The range of a segment'),
    304: empty('The client has it already'),
    307: empty('The MP3 was made anew: the same segment of the present one'),
    ...errors(404, 412, 416, 503)
  }
}
