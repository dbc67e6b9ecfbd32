import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { GrowingFile } from '@mixtape/audio-cache'
import { CROSS_ORIGIN } from './cross-origin.ts'
import type { Decision } from './decision.ts'
import { internalLocation, isSentByNginx } from './nginx.ts'
import { evaluatePreconditions, type Validators } from './preconditions.ts'
import { parseRange } from './ranges.ts'
import { sendBytes } from './send-bytes.ts'

/**
 * Answers a GET or HEAD with the file of a decision: evaluates preconditions, then the range (RFC 9110, 13.2.2), then
 * sends the bytes. It writes to Node's response directly, because Fastify would read the file through a stream.
 *
 * @returns after the kernel has taken the last byte, or the client has left
 */
export async function respond (request: FastifyRequest, reply: FastifyReply, decision: Decision): Promise<FastifyReply> {
  const { file, contentType, cacheStatus } = decision
  const validators: Validators = { etag: file.etag, lastModified: lastModified(file.mtimeNs) }
  // Names and values alternate: the fastest form for Node's writeHead().
  const headers = [
    ...CROSS_ORIGIN,
    'etag', validators.etag,
    'cache-control', 'no-cache', // not no-store: without a validator Chromium joins the ranges of two different files
    'cache-status', cacheStatus,
    'accept-ranges', 'bytes'
  ]
  if (validators.lastModified !== undefined) headers.push('last-modified', httpDate(validators.lastModified))

  const evaluation = evaluatePreconditions(request.headers, validators)
  if (evaluation === 'failed') {
    return reply.headers(toObject(headers)).preconditionFailed('The file does not match the precondition')
  }
  if (evaluation === 'not-modified') {
    writeHead(reply, 304, headers).end()
    return reply
  }

  const range = request.method === 'GET' && evaluation === 'proceed'
    ? parseRange(request.headers.range, file.size)
    : undefined
  if (range === 'unsatisfiable') {
    reply.headers(toObject(headers)).header('content-range', `bytes */${file.size}`)
    return reply.rangeNotSatisfiable(`The range lies outside of the ${file.size} bytes of this file`)
  }

  const { first, last } = range ?? { first: 0, last: file.size - 1 }
  if (file instanceof GrowingFile && request.method === 'GET') {
    const reached = await file.reach(first, reply.elapsedTime, () => request.raw.socket.destroyed)
    if (reached === 'ended') {
      reply.hijack()
      reply.raw.destroy() // not the socket: an earlier response may still be on its way through it
      return reply
    }
    if (reached !== 'ready') {
      reply.headers({ 'cache-control': 'no-cache', 'cache-status': cacheStatus, 'retry-after': reached.retryAfter })
      return reply.serviceUnavailable(`The transcode will be there in about ${reached.retryAfter} s`)
    }
  }

  headers.push('content-type', contentType)
  if (request.server.config.X_ACCEL === '1' && isSentByNginx(request, decision)) {
    return reply.headers(toObject(headers)).header('x-accel-redirect', internalLocation(decision)).send()
  }
  headers.push('content-length', `${last - first + 1}`)
  if (range) headers.push('content-range', `bytes ${first}-${last}/${file.size}`)
  const response = writeHead(reply, range ? 206 : 200, headers)
  if (request.method === 'HEAD' || file.size === 0) response.end()
  else await sendBytes(response, file, { first, last })
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
