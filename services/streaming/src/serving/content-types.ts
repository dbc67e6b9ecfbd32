import { extension } from '@mixtape/library'

const TYPES: Record<string, string> = {
  '.flac': 'audio/flac',
  '.wav': 'audio/wav',
  '.ogg': 'audio/ogg',
  '.oga': 'audio/ogg',
  '.opus': 'audio/ogg',
  '.m4a': 'audio/mp4',
  '.mp3': 'audio/mpeg',
  '.aac': 'audio/aac',
  '.aif': 'audio/aiff',
  '.aiff': 'audio/aiff',
  '.ape': 'audio/x-ape',
  '.wv': 'audio/x-wavpack',
  '.wma': 'audio/x-ms-wma'
}

/** @returns the media type of an original by its extension */
export function contentType (path: string): string {
  return TYPES[extension(path)] ?? 'application/octet-stream'
}
