import { extname } from 'node:path'

/** The media type of each audio file extension. Files with other extensions are not tracks. */
const MEDIA_TYPES = new Map([
  ['.flac', 'audio/flac'],
  ['.wav', 'audio/wav'],
  ['.ogg', 'audio/ogg'],
  ['.oga', 'audio/ogg'],
  ['.opus', 'audio/ogg'],
  ['.m4a', 'audio/mp4'],
  ['.mp3', 'audio/mpeg'],
  ['.aac', 'audio/aac'],
  ['.aif', 'audio/aiff'],
  ['.aiff', 'audio/aiff'],
  ['.ape', 'audio/x-ape'],
  ['.wv', 'audio/x-wavpack'],
  ['.wma', 'audio/x-ms-wma']
])

/** @returns the media type of an audio file by its extension; undefined for other files */
export function mediaType (path: string): string | undefined {
  return MEDIA_TYPES.get(extension(path))
}

/** @returns the extension in lower case, with its dot */
export function extension (path: string): string {
  return extname(path).toLowerCase()
}
