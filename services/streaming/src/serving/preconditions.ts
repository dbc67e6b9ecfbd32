import type { IncomingHttpHeaders } from 'node:http'

/** The validators of a representation (RFC 9110, 8.8): a strong entity tag, and a modification date where it has one. */
export interface Validators {
  etag: string
  /** Milliseconds since 1970, a multiple of 1000; undefined where unknown. */
  lastModified?: number
}

/** `proceed`: answer, with the range if there is one. `ignore-range`: answer with the whole representation. */
export type Evaluation = 'proceed' | 'ignore-range' | 'not-modified' | 'failed'

/** Evaluates the preconditions of a GET or HEAD in their order of precedence (RFC 9110, 13.2.2). */
export function evaluatePreconditions (headers: IncomingHttpHeaders, validators: Validators): Evaluation {
  const ifMatch = header(headers, 'if-match')
  const ifNoneMatch = header(headers, 'if-none-match')
  if (ifMatch !== undefined) {
    if (!includesEntityTag(ifMatch, validators.etag, 'strong')) return 'failed'
  } else if (isModifiedSince(validators.lastModified, headers['if-unmodified-since']) === true) {
    return 'failed'
  }
  if (ifNoneMatch !== undefined) {
    if (includesEntityTag(ifNoneMatch, validators.etag, 'weak')) return 'not-modified'
  } else if (isModifiedSince(validators.lastModified, headers['if-modified-since']) === false) {
    return 'not-modified'
  }
  const ifRange = header(headers, 'if-range')
  return ifRange === undefined || matchesIfRange(ifRange, validators) ? 'proceed' : 'ignore-range'
}

const ENTITY_TAG_FIELDS = ['if-range', 'if-match', 'if-none-match']
const DATE_FIELDS = ['if-modified-since', 'if-unmodified-since']

/** @returns whether a request carries this entity tag in one of its preconditions */
export function carriesEntityTag (headers: IncomingHttpHeaders, etag: string): boolean {
  return ENTITY_TAG_FIELDS.some(name => {
    const value = header(headers, name)
    return value?.includes(etag) && includesEntityTag(value, etag, 'weak')
  })
}

/** @returns whether a request has any precondition (RFC 9110, 13.1) */
export function hasPrecondition (headers: IncomingHttpHeaders): boolean {
  return [...ENTITY_TAG_FIELDS, ...DATE_FIELDS].some(name => headers[name] !== undefined)
}

function header (headers: IncomingHttpHeaders, name: string): string | undefined {
  return headers[name]?.toString()
}

/** Whether a list of entity tags, or `*`, includes one. A weak tag only counts in a weak comparison (RFC 9110, 8.8.3.2). */
function includesEntityTag (list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (!list.includes(etag)) return list.trim() === '*'
  const tags = list.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? []
  return tags.some(tag => tag === etag || (comparison === 'weak' && tag === `W/${etag}`))
}

/** If-Range holds one strong entity tag, or the exact date (RFC 9110, 13.1.5). */
function matchesIfRange (ifRange: string, { etag, lastModified }: Validators): boolean {
  const value = ifRange.trim()
  if (/^(W\/)?"/.test(value)) return value === etag
  return lastModified !== undefined && parseHttpDate(value) === lastModified
}

/** @returns undefined where one of the dates is missing or not valid */
function isModifiedSince (lastModified: number | undefined, value: string | undefined): boolean | undefined {
  if (value === undefined || lastModified === undefined) return undefined
  const date = parseHttpDate(value)
  return date === undefined ? undefined : lastModified > date
}

const IMF_FIXDATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/
const RFC_850 = /^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/
const ASCTIME = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/

/** Parses the three forms of a date (RFC 9110, 5.6.7). Clients still send only the first. */
function parseHttpDate (text: string): number | undefined {
  const value = text.trim()
  const date = IMF_FIXDATE.test(value) || RFC_850.test(value) ? Date.parse(value) : ASCTIME.test(value) ? Date.parse(`${value} GMT`) : NaN
  return Number.isNaN(date) ? undefined : date
}
