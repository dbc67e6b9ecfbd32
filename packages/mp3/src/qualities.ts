/** Constant bitrate of each quality that is transcoded, in kbit/s. */
export const bitrates = { high: 256, medium: 192, low: 128 } as const

/** A quality that is transcoded to MP3. */
export type TranscodeQuality = keyof typeof bitrates

/** A quality that a client can ask for. `original` is the file of the library, unchanged. */
export type Quality = 'original' | TranscodeQuality

/** All transcoded qualities, best first. */
export const transcodeQualities = Object.keys(bitrates) as TranscodeQuality[]

/** All qualities, best first. */
export const qualities: Quality[] = ['original', ...transcodeQualities]
