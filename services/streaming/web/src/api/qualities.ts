import type { Quality, TranscodeQuality } from '@mixtape/mp3'
import { local } from '../storage.ts'

export type { Quality, TranscodeQuality }

/** What a listener chooses: one quality, or that which the line can carry. */
export type Choice = Quality | 'auto'

/** The quality levels: what they are called, alone and to choose from, and the constant bitrate of their transcodes, in kbit/s. */
export const QUALITIES: Record<Quality, { name: string, label: string, kbits?: number }> = {
  original: { name: 'Original', label: 'Original' },
  high: { name: 'High', label: 'High (256k)', kbits: 256 },
  medium: { name: 'Medium', label: 'Medium (192k)', kbits: 192 },
  low: { name: 'Low', label: 'Low (128k)', kbits: 128 }
}

/** What can be chosen, and what it is called. */
export const CHOICES: Record<Choice, { label: string }> = { auto: { label: 'Auto' }, ...QUALITIES }

const KEY = 'audioQuality'

/** @returns what was chosen last in this browser */
export function storedChoice (): Choice {
  try {
    const stored = local().getItem(KEY) ?? ''
    return stored in CHOICES ? stored as Choice : 'medium'
  } catch {
    return 'medium' // storage is forbidden
  }
}

/** The key holds the bare word, because other pages of the same site read it too. */
export function storeChoice (choice: Choice): void {
  try {
    local().setItem(KEY, choice)
  } catch {
    // not remembered
  }
}
