import { readTags } from './id3v2.ts'

/** Bytes of an ID3v1 tag. */
export const ID3V1_SIZE = 128

/**
 * Makes the ID3v1 tag at the end of a file, which some players read before they play.
 *
 * It is made from the ID3v2 tag alone, so that whoever has the first bytes of a file knows its last bytes.
 *
 * @param id3v2 a complete tag that `id3v2` wrote
 */
export function id3v1 (id3v2: Buffer): Buffer {
  const tags = readTags(id3v2)
  const tag = Buffer.alloc(ID3V1_SIZE)
  tag.write('TAG', 0, 'latin1')
  tag.write(latin1(tags.title), 3, 30, 'latin1')
  tag.write(latin1(tags.artist), 33, 30, 'latin1')
  tag.write(latin1(tags.album), 63, 30, 'latin1')
  tag.write(latin1(tags.date), 93, 4, 'latin1')
  tag[126] = Math.min(Number.parseInt(tags.track ?? '', 10) || 0, 255)
  tag[127] = 255 // genre: none of the numbered ones
  return tag
}

function latin1 (text = ''): string {
  return text.replace(/[^\x20-\xff]/g, '?')
}
