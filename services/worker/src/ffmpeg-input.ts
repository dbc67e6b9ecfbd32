/** A malicious file could name other files or hosts, so only local files of audio containers are read, whatever their extension. */
const safety = {
  protocol_whitelist: 'file',
  format_whitelist: 'flac,wav,w64,ogg,mov,mp3,aac,aiff,ape,wv,asf'
}

/** Options of ffmpeg and ffprobe before every source. */
export const safeInputOptions = Object.entries(safety).flatMap(([name, value]) => [`-${name}`, value])

/** @returns a URL that ffmpeg does not take for an option, a protocol or a pattern, whatever characters the path has */
export function inputUrl (absolutePath: string): string {
  return `file:${absolutePath}`
}

/** Whether a script can name a path. */
export function isNameable (path: string): boolean {
  return !/[\r\n]/.test(path)
}

/**
 * @param absolutePath one that `isNameable`
 * @param seconds where the audio starts, by the times of the file; 0 for its start
 * @returns a script of ffmpeg's concat demuxer (ffmpeg-formats(1)) that names one source
 */
export function inputScript (absolutePath: string, seconds: number): string {
  return [
    'ffconcat version 1.0',
    `file '${inputUrl(absolutePath).replaceAll("'", "'\\''")}'`,
    ...Object.entries(safety).map(([name, value]) => `option ${name} ${value}`),
    ...seconds > 0 ? [`inpoint ${seconds}`] : [],
    ''
  ].join('\n')
}

/** An ffmpeg that makes no progress for this time, and an ffprobe that takes this time, are killed. In milliseconds. */
export const STALL_MS = 60_000
