import type { Quality } from '@mixtape/mp3'
import { local } from '../storage.ts'

export type { Quality }

/** The quality levels, as the player shows them. */
export const QUALITY_LABELS: Record<Quality, string> = {
  original: 'Original',
  high: 'High (256k)',
  medium: 'Medium (192k)',
  low: 'Low (128k)'
}

const KEY = 'audioQuality'

/** @returns the quality that was chosen last in this browser */
export function storedQuality (): Quality {
  try {
    const stored = local().getItem(KEY) ?? ''
    return stored in QUALITY_LABELS ? stored as Quality : 'medium'
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
