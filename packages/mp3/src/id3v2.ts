/** ID3v2.4 text frame of each tag that a transcode keeps. */
const TEXT_FRAMES = {
  title: 'TIT2',
  artist: 'TPE1',
  album: 'TALB',
  album_artist: 'TPE2',
  track: 'TRCK',
  disc: 'TPOS',
  date: 'TDRC',
  genre: 'TCON'
} as const

/** ReplayGain values, kept in TXXX frames of these names (in upper case), where players look for them. */
const REPLAY_GAIN = [
  'replaygain_track_gain', 'replaygain_track_peak', 'replaygain_album_gain', 'replaygain_album_peak'
] as const

/** The tags of a source that its transcode keeps, under ffprobe's names in lower case. */
export type Tags = { [name in keyof typeof TEXT_FRAMES | typeof REPLAY_GAIN[number]]?: string }

const HEADER_SIZE = 10
const UTF8 = 0x03

/** Longest text of a frame, in characters: lyrics in a title field must not grow the file without limit. */
const MAX_TEXT = 500

/**
 * Writes an ID3v2.4 tag in UTF-8 (id3.org/id3v2.4.0-structure).
 *
 * @param tags texts; each is cut to 500 characters
 * @param userText a TXXX frame of our own, which becomes the first frame
 */
export function id3v2 (tags: Tags, userText: { description: string, value: string }): Buffer {
  const frames = [userTextFrame(userText.description, userText.value)]
  for (const [name, id] of Object.entries(TEXT_FRAMES)) {
    const text = tags[name as keyof Tags]
    if (text) frames.push(textFrame(id, text.slice(0, MAX_TEXT).replaceAll('\0', '/')))
  }
  for (const name of REPLAY_GAIN) {
    if (tags[name]) frames.push(userTextFrame(name.toUpperCase(), tags[name].slice(0, MAX_TEXT)))
  }
  return tag(frames)
}

/**
 * Reads the value of a TXXX frame.
 *
 * @param head the first bytes of a file
 * @returns undefined where `head` has no ID3v2.4 tag, or no such frame
 */
export function readUserText (head: Buffer, description: string): string | undefined {
  if (head.toString('latin1', 0, 4) !== 'ID3\x04') return undefined
  for (const { id, text } of textFrames(head)) {
    const [name, value] = text.split('\0')
    if (id === 'TXXX' && name === description) return value
  }
}

/** Reads the texts of a complete tag that `id3v2` wrote, without ReplayGain. */
export function readTags (tag: Buffer): Tags {
  const names = Object.keys(TEXT_FRAMES) as (keyof typeof TEXT_FRAMES)[]
  return Object.fromEntries([...textFrames(tag)].flatMap(({ id, text }) => {
    const name = names.find(name => TEXT_FRAMES[name] === id)
    return name ? [[name, text]] : []
  }))
}

/**
 * @param head at least the first 10 bytes of a file that begins with an ID3v2 tag
 * @returns the bytes of the tag with its header
 */
export function id3v2Size (head: Buffer): number {
  return HEADER_SIZE + readSynchsafe(head, 6)
}

/** The text frames in UTF-8. The last one may be incomplete where `head` ends. */
function * textFrames (head: Buffer): Generator<{ id: string, text: string }> {
  const end = Math.min(id3v2Size(head), head.length)
  for (let position = HEADER_SIZE; position + HEADER_SIZE <= end;) {
    const size = readSynchsafe(head, position + 4)
    const content = head.subarray(position + HEADER_SIZE, position + HEADER_SIZE + size)
    if (content[0] === UTF8) yield { id: head.toString('latin1', position, position + 4), text: content.toString('utf8', 1) }
    position += HEADER_SIZE + size
  }
}

/** Makes a tag of complete frames (id3v2.4.0, 3.1). */
export function tag (frames: Buffer[]): Buffer {
  const body = Buffer.concat(frames)
  return Buffer.concat([Buffer.from('ID3\x04\x00\x00', 'latin1'), synchsafe(body.length), body])
}

/** Makes a frame (id3v2.4.0, 4). */
export function frame (id: string, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(id), synchsafe(content.length), Buffer.from([0, 0]), content])
}

function textFrame (id: string, text: string): Buffer {
  return frame(id, Buffer.concat([Buffer.from([UTF8]), Buffer.from(text)]))
}

function userTextFrame (description: string, value: string): Buffer {
  return textFrame('TXXX', `${description}\0${value}`)
}

/** Four bytes of seven bits each, so that no size looks like the sync word of an audio frame (id3v2.4.0, 6.2). */
function synchsafe (size: number): Buffer {
  return Buffer.from([size >> 21, size >> 14, size >> 7, size].map(byte => byte & 0x7f))
}

function readSynchsafe (bytes: Buffer, position: number): number {
  return [0, 1, 2, 3].reduce((size, offset) => size * 128 + (bytes[position + offset] ?? 0), 0)
}
