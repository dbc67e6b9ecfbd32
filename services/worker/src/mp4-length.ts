import { open } from 'node:fs/promises'

/** Most bytes of a movie box. Four hours of ALAC have 0.6 MB of tables in it, and it has the cover. */
const MAX_MOVIE_BYTES = 16 * 1024 * 1024

/** Most boxes of a file before its movie box. A malicious one could have millions. */
const MAX_BOXES = 1000

/**
 * Reads how long the only audio track of an MP4 plays: the length of its edit list, or of its media where it has none.
 * ISO/IEC 14496-12 describes the boxes.
 *
 * @param input absolute path
 * @returns seconds, and whether the edit list names the start; undefined where the file has no or several audio tracks, several
 * edits, or its length in fragments
 */
export async function mp4Length (input: string): Promise<{ seconds: number, isEdited: boolean } | undefined> {
  const movie = await readMovie(input)
  if (!movie || child(movie, 'mvex')) return undefined
  const track = onlyAudioTrack(movie)
  const media = track && child(track, 'mdia', 'mdhd')
  const movieHeader = child(movie, 'mvhd')
  if (!media || !movieHeader) return undefined
  const seconds = lengthOf(media)
  const edits = child(track, 'edts', 'elst')
  if (!edits) return { seconds, isEdited: false }
  if (edits.readUInt32BE(4) !== 1) return undefined
  const isLong = edits.readUInt8(0) === 1
  const length = isLong ? Number(edits.readBigUInt64BE(8)) : edits.readUInt32BE(8)
  const start = isLong ? Number(edits.readBigInt64BE(16)) : edits.readInt32BE(12)
  if (start < 0 || length === 0) return undefined
  return { seconds: Math.min(seconds, length / timescale(movieHeader)), isEdited: true }
}

/** @returns what the box of the file's description contains; undefined where there is none */
async function readMovie (input: string): Promise<Buffer | undefined> {
  const file = await open(input)
  try {
    const header = Buffer.alloc(16)
    for (let position = 0, size, count = 0; count < MAX_BOXES; position += size, count++) {
      const { bytesRead } = await file.read(header, 0, 16, position)
      if (bytesRead < 16) return undefined
      const short = header.readUInt32BE(0)
      size = short === 1 ? Number(header.readBigUInt64BE(8)) : short
      if (size < 8) return undefined // 0: the box ends with the file, and contains audio
      if (header.toString('latin1', 4, 8) !== 'moov') continue
      if (size > MAX_MOVIE_BYTES || short === 1) return undefined
      const body = Buffer.alloc(size - 8)
      return (await file.read(body, 0, body.length, position + 8)).bytesRead === body.length ? body : undefined
    }
  } finally {
    await file.close()
  }
}

/** The boxes in a box. Ends at the first one that is damaged. */
function * boxes (parent: Buffer): Generator<{ type: string, body: Buffer }> {
  for (let position = 0, size; position + 8 <= parent.length; position += size) {
    size = parent.readUInt32BE(position)
    if (size < 8 || position + size > parent.length) return
    yield { type: parent.toString('latin1', position + 4, position + 8), body: parent.subarray(position + 8, position + size) }
  }
}

/** @returns what the box at a path of types contains */
function child (parent: Buffer, ...path: string[]): Buffer | undefined {
  const [wanted, ...rest] = path
  for (const { type, body } of boxes(parent)) {
    if (type === wanted) return rest.length > 0 ? child(body, ...rest) : body
  }
}

/** @returns undefined where a movie has no or several audio tracks */
function onlyAudioTrack (movie: Buffer): Buffer | undefined {
  let found: Buffer | undefined
  for (const { type, body } of boxes(movie)) {
    if (type !== 'trak' || child(body, 'mdia', 'hdlr')?.toString('latin1', 8, 12) !== 'soun') continue
    if (found) return undefined
    found = body
  }
  return found
}

/** @param header of a movie or of media. @returns units of time in a second */
function timescale (header: Buffer): number {
  return header.readUInt32BE(header.readUInt8(0) === 1 ? 20 : 12)
}

/** @param header of media. @returns seconds */
function lengthOf (header: Buffer): number {
  return (header.readUInt8(0) === 1 ? Number(header.readBigUInt64BE(24)) : header.readUInt32BE(16)) / timescale(header)
}
