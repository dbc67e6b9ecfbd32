import type { IncomingHttpHeaders } from 'node:http'

/** What a representation is told apart by: a strong entity tag, and a date in whole seconds if it has a true one. */
export interface Validators {
  etag: string
  /** Milliseconds since 1970, a multiple of 1000; undefined for a date in the future. */
  lastModified?: number
}

/** Where no precondition stands in the way: may a Range be answered with a part? */
export type Outcome = 'whole-or-part' | 'whole' | 'not-modified' | 'failed'

/** Judges the conditions of a GET or HEAD in their order of precedence (RFC 9110, 13.2.2). */
export function evaluate (headers: IncomingHttpHeaders, validators: Validators): Outcome {
  const ifMatch = header(headers, 'if-match')
  const ifNoneMatch = header(headers, 'if-none-match')
  if (ifMatch !== undefined) {
    if (!names(ifMatch, validators.etag, false)) return 'failed'
  } else if (isAfter(validators.lastModified, headers['if-unmodified-since']) === true) {
    return 'failed'
  }
  if (ifNoneMatch !== undefined) {
    if (names(ifNoneMatch, validators.etag, true)) return 'not-modified'
  } else if (isAfter(validators.lastModified, headers['if-modified-since']) === false) {
    return 'not-modified'
  }
  const ifRange = header(headers, 'if-range')
  return ifRange === undefined || isSame(ifRange, validators) ? 'whole-or-part' : 'whole'
}

const ABOUT = ['if-range', 'if-match', 'if-none-match']

/** @returns whether a request says that it is about the representation with this tag */
export function isAbout (headers: IncomingHttpHeaders, etag: string): boolean {
  return ABOUT.some(name => {
    const value = header(headers, name)
    return value?.includes(etag) && names(value, etag, true)
  })
}

function header (headers: IncomingHttpHeaders, name: string): string | undefined {
  return headers[name]?.toString()
}

/** Whether a list of entity tags, or `*`, names one; a weak tag in it counts only in a weak comparison (8.8.3.2). */
function names (list: string, etag: string, weak: boolean): boolean {
  if (!list.includes(etag)) return list.trim() === '*'
  const tags = list.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? []
  return tags.some(tag => tag === etag || (weak && tag === `W/${etag}`))
}

/** If-Range takes one strong tag or the exact date (13.1.5). */
function isSame (ifRange: string, { etag, lastModified }: Validators): boolean {
  const value = ifRange.trim()
  if (/^(W\/)?"/.test(value)) return value === etag
  return lastModified !== undefined && parseHttpDate(value) === lastModified
}

/** @returns undefined where either date is missing or is none */
function isAfter (lastModified: number | undefined, value: string | undefined): boolean | undefined {
  if (value === undefined || lastModified === undefined) return undefined
  const date = parseHttpDate(value)
  return date === undefined ? undefined : lastModified > date
}

const IMF_FIXDATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/
const RFC_850 = /^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/
const ASCTIME = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/

/** The three forms of a date (5.6.7), of which only the first is still sent. */
function parseHttpDate (text: string): number | undefined {
  const value = text.trim()
  if (IMF_FIXDATE.test(value) || RFC_850.test(value)) return Date.parse(value) || undefined
  if (ASCTIME.test(value)) return Date.parse(`${value} GMT`) || undefined
}
