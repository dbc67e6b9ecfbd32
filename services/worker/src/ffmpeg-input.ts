/**
 * Options of ffmpeg and ffprobe before every source. A malicious file could name other files or hosts, so only local
 * files of audio containers are read, whatever their extension.
 */
export const safeInputOptions = [
  '-protocol_whitelist', 'file',
  '-format_whitelist', 'flac,wav,w64,ogg,mov,mp3,aac,aiff,ape,wv,asf'
]

/** @returns a URL that ffmpeg does not take for an option, a protocol or a pattern, whatever characters the path has */
export function inputUrl (absolutePath: string): string {
  return `file:${absolutePath}`
}

/** An ffmpeg that makes no progress for this time, and an ffprobe that takes this time, are killed. In milliseconds. */
export const STALL_MS = 60_000
