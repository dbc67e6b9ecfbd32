import { createHash } from 'node:crypto'

/** @returns a strong entity tag (RFC 9110, 8.8.3) with its quotes, which is the same in every replica for the same content */
export function contentTag (content: string): string {
  return `"${createHash('sha256').update(content).digest('hex').slice(0, 16)}"`
}
