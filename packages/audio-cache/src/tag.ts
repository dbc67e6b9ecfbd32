/** Text that a listener may see, by the name of its ID3v2.4 frame. */
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

/** Loudness, kept in TXXX frames under the names that players look for. */
const REPLAY_GAIN = [
  'replaygain_track_gain', 'replaygain_track_peak', 'replaygain_album_gain', 'replaygain_album_peak'
] as const

/** Tags of a source that a transcode keeps, as ffprobe names them in lower case. */
export type Tags = { [name in keyof typeof TEXT_FRAMES | typeof REPLAY_GAIN[number]]?: string }

/** What a cached file was made from and how: the frame by which a hit is told from a stale file. */
export interface Provenance {
  /** File name of the source, with its extension. */
  file: string
  /** Size and mtime of the source. */
  version: string
  /** Samples at 44.1 kHz. */
  samples: number
  /** Version of the pipeline that made it. */
  profile: number
  /** Unique to one run of the encoder, since bytes differ between machines. */
  generation: string
}

const PROVENANCE = 'mixtape-audio'
const HEADER_SIZE = 10
const UTF8 = 0x03
/** A tag is a label, not a document: lyrics pasted into a title must not grow the file. */
const MAX_TEXT = 500

/** Bytes at the head of a file within which the provenance of our own files ends. */
export const PROVENANCE_REACH = 2048

/** Writes an ID3v2.4 tag (id3.org/id3v2.4.0-structure), provenance first. */
export function id3v2 (tags: Tags, provenance: Provenance): Buffer {
  const frames = [userText(PROVENANCE, JSON.stringify(provenance))]
  for (const [name, id] of Object.entries(TEXT_FRAMES)) {
    const text = tags[name as keyof Tags]
    if (text) frames.push(frame(id, utf8(text)))
  }
  for (const name of REPLAY_GAIN) {
    if (tags[name]) frames.push(userText(name.toUpperCase(), tags[name].slice(0, MAX_TEXT)))
  }
  const body = Buffer.concat(frames)
  return Buffer.concat([Buffer.from('ID3\x04\x00\x00', 'latin1'), synchsafe(body.length), body])
}

/**
 * Reads who made a file, and how.
 *
 * @param head the first bytes of a file
 * @returns undefined for a file that another tool made
 */
export function readProvenance (head: Buffer): (Provenance & { tagSize: number }) | undefined {
  if (!isId3v2(head)) return undefined
  for (const { id, text } of textFrames(head)) {
    const [name, value] = text.split('\0')
    if (id === 'TXXX' && name === PROVENANCE && value) return parse(value, id3v2Size(head))
  }
}

/** Reads the text that `id3v2` wrote, out of a whole tag. */
export function readTags (tag: Buffer): Tags {
  const names = Object.keys(TEXT_FRAMES) as (keyof typeof TEXT_FRAMES)[]
  return Object.fromEntries([...textFrames(tag)].flatMap(({ id, text }) => {
    const name = names.find(name => TEXT_FRAMES[name] === id)
    return name ? [[name, text]] : []
  }))
}

function isId3v2 (head: Buffer): boolean {
  return head.toString('latin1', 0, 4) === 'ID3\x04'
}

function id3v2Size (head: Buffer): number {
  return HEADER_SIZE + readSynchsafe(head, 6)
}

/** Frames of UTF-8 text; the last may be cut off where `head` is. */
function * textFrames (head: Buffer): Generator<{ id: string, text: string }> {
  const end = Math.min(id3v2Size(head), head.length)
  for (let at = HEADER_SIZE; at + HEADER_SIZE <= end;) {
    const size = readSynchsafe(head, at + 4)
    const content = head.subarray(at + HEADER_SIZE, at + HEADER_SIZE + size)
    if (content[0] === UTF8) yield { id: head.toString('latin1', at, at + 4), text: content.toString('utf8', 1) }
    at += HEADER_SIZE + size
  }
}

function parse (value: string, tagSize: number): (Provenance & { tagSize: number }) | undefined {
  try {
    return { ...JSON.parse(value) as Provenance, tagSize }
  } catch {
    return undefined
  }
}

/** Bytes of an ID3v1 tag. */
export const ID3V1_SIZE = 128

/**
 * Writes an ID3v1 tag, for clients that look at the last 128 bytes before anything else.
 *
 * It says what the ID3v2 tag says, so that whoever has the head of a file knows its end.
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

function utf8 (text: string): Buffer {
  return Buffer.from(text.slice(0, MAX_TEXT).replaceAll('\0', '/'))
}

function userText (name: string, value: string): Buffer {
  return frame('TXXX', Buffer.from(`${name}\0${value}`))
}

function frame (id: string, text: Buffer): Buffer {
  return Buffer.concat([Buffer.from(id), synchsafe(text.length + 1), Buffer.from([0, 0, UTF8]), text])
}

/** Four bytes of seven bits each, so that no size looks like the start of an audio frame. */
function synchsafe (size: number): Buffer {
  return Buffer.from([size >> 21, size >> 14, size >> 7, size].map(byte => byte & 0x7f))
}

function readSynchsafe (bytes: Buffer, at: number): number {
  return [0, 1, 2, 3].reduce((size, offset) => size * 128 + (bytes[at + offset] ?? 0), 0)
}
