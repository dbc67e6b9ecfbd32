import { createHash } from 'node:crypto'
import type { Representation } from '@mixtape/library'

/** Makes the representation of a text. The same text has the same entity tag in every replica. */
export function textRepresentation (text: string): Representation {
  const bytes = Buffer.from(text)
  return {
    size: bytes.length,
    etag: `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`,
    mtimeNs: undefined,
    read: async (buffer, length, position) => bytes.copy(buffer, 0, position, position + length),
    close: () => {}
  }
}
