import type { Representation } from '@mixtape/library'
import { contentTag } from './content-tag.ts'

/** Makes the representation of a text. */
export function textRepresentation (text: string): Representation {
  const bytes = Buffer.from(text)
  return {
    size: bytes.length,
    etag: contentTag(text),
    mtimeNs: undefined,
    read: async (buffer, length, position) => bytes.copy(buffer, 0, position, position + length),
    close: () => {}
  }
}
