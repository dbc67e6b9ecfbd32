/**
 * Values that the page remembers. Browsers may forbid storage altogether, or be out of space: then nothing is remembered,
 * and everything else works.
 */
export function load<T> (storage: () => Storage, key: string): T | undefined {
  try {
    return JSON.parse(storage().getItem(key) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

export function save (storage: () => Storage, key: string, value: unknown): void {
  try {
    storage().setItem(key, JSON.stringify(value))
  } catch {
    // not remembered
  }
}

/** Remembered until the browser is closed, by each tab for itself. */
export const session = () => window.sessionStorage

/** Remembered for good. */
export const local = () => window.localStorage
