import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { GrowingFile } from '@mixtape/audio-cache'
import { CROSS_ORIGIN } from './cross-origin.ts'
import type { Decision } from './decision.ts'
import { internalLocation, isForNginx } from './offload.ts'
import { evaluate, type Validators } from './preconditions.ts'
import { parseRange } from './ranges.ts'
import { sendBytes } from './send-bytes.ts'

/**
 * Answers a GET or HEAD with the file that was decided on: conditions first, then the range (RFC 9110, 13.2.2), then
 * the bytes, past Fastify's own sending, which would read them through a stream.
 *
 * @returns when the last byte is with the kernel, or the listener has left
 */
export async function answer (request: FastifyRequest, reply: FastifyReply, decision: Decision): Promise<FastifyReply> {
  const { file, type, cacheStatus } = decision
  const validators: Validators = { etag: file.etag, lastModified: lastModified(file.mtimeNs) }
  // Names and values in turn, the shape that costs Node least.
  const headers = [
    ...CROSS_ORIGIN,
    'etag', validators.etag,
    'cache-control', 'no-cache', // never no-store: without a validator Chromium glues the parts of two files together
    'cache-status', cacheStatus,
    'accept-ranges', 'bytes'
  ]
  if (validators.lastModified !== undefined) headers.push('last-modified', httpDate(validators.lastModified))

  const outcome = evaluate(request.headers, validators)
  if (outcome === 'failed') {
    return reply.headers(named(headers)).preconditionFailed('The file is not the one that the condition names')
  }
  if (outcome === 'not-modified') {
    writeHead(reply, 304, headers).end()
    return reply
  }

  const range = request.method === 'GET' && outcome === 'whole-or-part'
    ? parseRange(request.headers.range, file.size)
    : undefined
  if (range === 'unsatisfiable') {
    reply.headers(named(headers)).header('content-range', `bytes */${file.size}`)
    return reply.rangeNotSatisfiable(`The range lies outside of the ${file.size} bytes of this file`)
  }

  const { first, last } = range ?? { first: 0, last: file.size - 1 }
  if (file instanceof GrowingFile && request.method === 'GET') {
    const there = await file.reach(first, reply.elapsedTime, () => request.raw.socket.destroyed)
    if (there === 'given up') {
      reply.hijack()
      reply.raw.destroy() // not the socket: an earlier answer may still be on its way through it
      return reply
    }
    if (there !== 'ready') {
      reply.headers({ 'cache-control': 'no-cache', 'cache-status': cacheStatus, 'retry-after': there.retryAfter })
      return reply.serviceUnavailable(`The transcode will be there in about ${there.retryAfter} s`)
    }
  }

  headers.push('content-type', type)
  if (request.server.config.X_ACCEL === '1' && isForNginx(request, decision)) {
    return reply.headers(named(headers)).header('x-accel-redirect', internalLocation(decision)).send()
  }
  headers.push('content-length', `${last - first + 1}`)
  if (range) headers.push('content-range', `bytes ${first}-${last}/${file.size}`)
  const response = writeHead(reply, range ? 206 : 200, headers)
  if (request.method === 'HEAD' || file.size === 0) response.end()
  else await sendBytes(response, file, { first, last })
  return reply
}

/** Past Fastify and its hooks. */
function writeHead (reply: FastifyReply, status: number, headers: string[]): ServerResponse {
  reply.hijack()
  return reply.raw.writeHead(status, headers)
}

/** The same headers in the shape that Fastify takes. */
export function named (headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(headers.flatMap((name, i) => i % 2 === 0 ? [[name, `${headers[i + 1]}`]] : []))
}

/** Neither a date in the future is sent (RFC 9110, 8.8.2.1), nor that of a file which is still written to. */
function lastModified (mtimeNs: bigint | undefined): number | undefined {
  if (mtimeNs === undefined) return undefined
  const ms = Number(mtimeNs / 1_000_000_000n) * 1000
  return ms <= Date.now() ? ms : undefined
}

const dates = new Map<number, string>()

/** There are as many dates as files that are listened to. */
function httpDate (ms: number): string {
  const known = dates.get(ms)
  if (known !== undefined) return known
  if (dates.size === 1000) dates.clear()
  const date = new Date(ms).toUTCString()
  dates.set(ms, date)
  return date
}
