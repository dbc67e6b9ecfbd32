import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Representation } from '@mixtape/library'
import { CROSS_ORIGIN } from './cross-origin.ts'
import { internalLocation } from './nginx.ts'
import { evaluatePreconditions, type Validators } from './preconditions.ts'
import { parseRange } from './ranges.ts'
import { sendBytes, type Sent } from './send-bytes.ts'

/** What a client gets. A `Decision` is one. */
export interface FileAnswer {
  file: Representation
  contentType: string
  /** Value of the Cache-Status header (RFC 9211). */
  cacheStatus?: string
  /** Value of the Cache-Control header, `no-cache` by default: without a validator Chromium joins ranges of two files. */
  cacheControl?: string
  /** Of the track, relative to MUSIC_ROOT; undefined where the bytes are not those of a whole file. */
  path?: string
  /** Relative to the cache directory; undefined where the file is not a transcode. */
  cachedPath?: string | undefined
}

/**
 * Answers a GET or HEAD with a file: evaluates preconditions, then the range (RFC 9110, 13.2.2), then
 * sends the bytes. It writes to Node's response directly, because Fastify would read the file through a stream.
 *
 * @param sent is kept up to date with what the client got
 * @returns after the kernel has taken the last byte, or the client has left
 */
export async function respond (
  request: FastifyRequest, reply: FastifyReply, answer: FileAnswer, sent?: Sent
): Promise<FastifyReply> {
  const { file, contentType, cacheStatus, cacheControl = 'no-cache' } = answer
  const validators: Validators = { etag: file.etag, lastModified: lastModified(file.mtimeNs) }
  // Names and values alternate: the fastest form for Node's writeHead().
  const headers = [
    ...CROSS_ORIGIN,
    'etag', validators.etag,
    'cache-control', cacheControl,
    'accept-ranges', 'bytes'
  ]
  if (cacheStatus !== undefined) headers.push('cache-status', cacheStatus)
  if (validators.lastModified !== undefined) headers.push('last-modified', httpDate(validators.lastModified))

  const evaluation = evaluatePreconditions(request.headers, validators)
  if (evaluation === 'failed') {
    return reply.headers(toObject(headers)).header('cache-control', 'no-cache').preconditionFailed('The file does not match the precondition')
  }
  if (evaluation === 'not-modified') {
    writeHead(reply, 304, headers).end()
    return reply
  }

  const range = request.method === 'GET' && evaluation === 'proceed'
    ? parseRange(request.headers.range, file.size)
    : undefined
  if (range === 'unsatisfiable') {
    reply.headers(toObject(headers)).headers({ 'cache-control': 'no-cache', 'content-range': `bytes */${file.size}` })
    return reply.rangeNotSatisfiable(`The range lies outside of the ${file.size} bytes of this file`)
  }

  const { first, last } = range ?? { first: 0, last: file.size - 1 }
  if (file.reach && request.method === 'GET') {
    const waitingSince = performance.now()
    const reached = await file.reach(first, reply.elapsedTime, () => request.raw.socket.destroyed)
    request.server.answers.waited('range', performance.now() - waitingSince)
    if (reached === 'ended') {
      reply.hijack()
      reply.raw.destroy() // not the socket: an earlier response may still be on its way through it
      return reply
    }
    if (reached !== 'ready') {
      reply.headers({ 'cache-control': 'no-cache', 'retry-after': reached.retryAfter })
      if (cacheStatus !== undefined) reply.header('cache-status', cacheStatus)
      return reply.serviceUnavailable(`The transcode will be there in about ${reached.retryAfter} s`)
    }
  }

  headers.push('content-type', contentType)
  const location = request.server.config.X_ACCEL === '1' ? internalLocation(request, answer) : undefined
  if (location !== undefined) return reply.headers(toObject(headers)).header('x-accel-redirect', location).send()
  headers.push('content-length', `${last - first + 1}`)
  if (range) headers.push('content-range', `bytes ${first}-${last}/${file.size}`)
  const response = writeHead(reply, range ? 206 : 200, headers)
  if (request.method === 'HEAD' || file.size === 0) response.end()
  else await sendBytes(response, file, { first, last }, sent)
  return reply
}

/** Writes to Node's response; Fastify's hooks do not run. */
function writeHead (reply: FastifyReply, status: number, headers: string[]): ServerResponse {
  reply.hijack()
  return reply.raw.writeHead(status, headers)
}

/** Converts alternating names and values to the object that Fastify takes. */
export function toObject (headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(headers.flatMap((name, i) => i % 2 === 0 ? [[name, `${headers[i + 1]}`]] : []))
}

/** @returns undefined for a date in the future, which must not be sent (RFC 9110, 8.8.2.1), and for a growing file */
function lastModified (mtimeNs: bigint | undefined): number | undefined {
  if (mtimeNs === undefined) return undefined
  const ms = Number(mtimeNs / 1_000_000_000n) * 1000
  return ms <= Date.now() ? ms : undefined
}

/** Formatted dates by time: formatting takes longer than a look-up, and there is one date for each file. */
const formattedDates = new Map<number, string>()
const MAX_DATES = 1000

function httpDate (ms: number): string {
  const known = formattedDates.get(ms)
  if (known !== undefined) return known
  if (formattedDates.size === MAX_DATES) formattedDates.clear()
  const date = new Date(ms).toUTCString()
  formattedDates.set(ms, date)
  return date
}
