/**
 * Characters that do something to a terminal instead of being shown: controls (C0, DEL and C1, of which U+009B begins an
 * escape sequence), the two separators of lines, and those that change the direction of the text (UAX #9).
 */
// eslint-disable-next-line no-control-regex
const ACTIVE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** In JSON: an escape sequence. Line breaks before a frame of a stack are kept, because they are those of an error. */
const ESCAPE = /(\\n(?= {4}at ))|\\(["\\/]|u[\da-f]{4}|.)/g

/** @returns text for a terminal, in which such characters are shown as `\u001b` */
export function visible (text: string): string {
  return text.replace(ACTIVE, escaped)
}

/** Escapes in a line of JSON what JSON.stringify() leaves as it is. It means the same as before. */
export function escapeInJson (line: string): string {
  return visible(line.slice(0, -1)) + '\n'
}

/** Changes a line of JSON so that its strings show such characters, for a reader that prints strings as they are. */
export function visibleInJson (line: string): string {
  return escapeInJson(line).replace(ESCAPE, (sequence, kept, kind) => kept || /^["\\/]$/.test(kind) ? sequence : `\\${sequence}`)
}

function escaped (character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
