/** The levels that are transcoded, with their constant bitrates in kbit/s. */
export const bitrates = { high: 256, medium: 192, low: 128 } as const

export type TranscodeQuality = keyof typeof bitrates
export type Quality = 'original' | TranscodeQuality

export const transcodeQualities = Object.keys(bitrates) as TranscodeQuality[]
export const qualities: Quality[] = ['original', ...transcodeQualities]
