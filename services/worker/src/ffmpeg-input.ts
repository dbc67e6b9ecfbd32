/**
 * Options before every source, for ffmpeg and ffprobe: untrusted content may name other files and hosts, so only local
 * files of audio containers are read, whatever they are called, and nothing waits for a keyboard.
 */
export const inputOptions = [
  '-protocol_whitelist', 'file',
  '-format_whitelist', 'flac,wav,w64,ogg,mov,mp3,aac,aiff,ape,wv,asf'
]

/** A path that no protocol, option or pattern is read into, whatever characters it has. */
export function inputUrl (absolutePath: string): string {
  return `file:${absolutePath}`
}

/** Without a sign of life for this long, in milliseconds, a child is killed. */
export const STALL_MS = 60_000
