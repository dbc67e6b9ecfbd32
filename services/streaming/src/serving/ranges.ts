/** Offsets of the first and the last byte, both included. */
export interface ByteRange {
  first: number
  last: number
}

/**
 * Reads a Range header (RFC 9110, 14.1.2 and 14.2).
 *
 * Several ranges are answered with the whole file, which a server may always do, as is a header that is malformed.
 *
 * @returns undefined for the whole file
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

/** The last `length` bytes: all of them, where the file has fewer. */
function suffix (length: number, size: number): ByteRange | 'unsatisfiable' {
  return length > 0 && size > 0 ? { first: Math.max(size - length, 0), last: size - 1 } : 'unsatisfiable'
}
