import type { Quality } from '@mixtape/mp3'
import { local } from '../storage.ts'

export type { Quality }

/** The quality levels: what they are called, and the constant bitrate of their transcodes, in kbit/s. */
export const QUALITIES: Record<Quality, { label: string, kbits?: number }> = {
  original: { label: 'Original' },
  high: { label: 'High (256k)', kbits: 256 },
  medium: { label: 'Medium (192k)', kbits: 192 },
  low: { label: 'Low (128k)', kbits: 128 }
}

const KEY = 'audioQuality'

/** @returns the quality that was chosen last in this browser */
export function storedQuality (): Quality {
  try {
    const stored = local().getItem(KEY) ?? ''
    return stored in QUALITIES ? stored as Quality : 'medium'
  } catch {
    return 'medium' // storage is forbidden
  }
}

/** The key holds the bare word, because other pages of the same site read it too. */
export function storeQuality (quality: Quality): void {
  try {
    local().setItem(KEY, quality)
  } catch {
    // not remembered
  }
}
