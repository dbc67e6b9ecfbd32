/** Positions of the first and the last byte, both inclusive. */
export interface ByteRange {
  first: number
  last: number
}

/**
 * Parses a Range header (RFC 9110, 14.1.2 and 14.2).
 *
 * A header with several ranges of which at least one is satisfiable, and one that is malformed, are ignored, as a server
 * may always do.
 *
 * @param size of the representation in bytes
 * @returns undefined for the whole representation
 */
export function parseRange (header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const set = /^\s*bytes\s*=(.*)$/i.exec(header ?? '')?.[1]
  if (set === undefined) return undefined
  const specs = set.split(',').map(spec => spec.trim()).filter(spec => spec !== '')
  const ranges = specs.map(spec => parseSpec(spec, size))
  if (ranges.length === 0 || ranges.includes(undefined)) return undefined
  const satisfiable = ranges.filter(range => range !== 'unsatisfiable')
  if (satisfiable.length === 0) return 'unsatisfiable'
  return ranges.length === 1 ? satisfiable[0] : undefined
}

/** @returns the first position of a Range header with one range that states it, such as `bytes=500-` */
export function firstByte (header: string | undefined): number | undefined {
  const range = parseRange(header, Infinity)
  return typeof range === 'object' && Number.isFinite(range.first) ? range.first : undefined
}

function parseSpec (spec: string, size: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^(\d*)-(\d*)$/.exec(spec)
  if (!match || spec === '-') return undefined
  const [, from, to] = match
  if (!from) return suffix(Number(to), size)
  const first = Number(from)
  const last = to ? Number(to) : Infinity
  if (last < first) return undefined
  return first < size ? { first, last: Math.min(last, size - 1) } : 'unsatisfiable'
}

/** The last `length` bytes, or all bytes where there are fewer. */
function suffix (length: number, size: number): ByteRange | 'unsatisfiable' {
  return length > 0 && size > 0 ? { first: Math.max(size - length, 0), last: size - 1 } : 'unsatisfiable'
}
