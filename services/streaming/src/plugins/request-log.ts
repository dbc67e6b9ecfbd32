import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Quality } from '@mixtape/mp3'
import type { Decision } from '../serving/decision.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the client gets of a track; undefined for everything else. */
    served: { quality: Quality } & Pick<Decision, 'outcome' | 'cacheStatus'> | undefined
  }
}

/** Ids of a proxy that are taken over. Anyone can send the header: others could be long, or look like more than an id. */
const SAFE_ID = /^[\w.-]{1,64}$/

const PROCESS_ID = randomBytes(4).toString('hex')
let requests = 0

/** @returns the id of a request in all log lines: its X-Request-Id, or one that no other request and replica has */
export function requestId ({ headers: { 'x-request-id': given } }: Pick<IncomingMessage, 'headers'>): string {
  return typeof given === 'string' && SAFE_ID.test(given) ? given : `${PROCESS_ID}-${(requests++).toString(36)}`
}

/** With LOG_REQUESTS, logs one line for each answer when the client has it, or has left. */
export const requestLogPlugin = fp(async app => {
  app.decorateRequest('served', undefined)
  if (app.config.LOG_REQUESTS) app.addHook('onRequest', async (request, reply) => { logWhenAnswered(request, reply) })
}, { name: 'request-log' })

export function logWhenAnswered (request: FastifyRequest, { raw: response }: FastifyReply): void {
  const { socket } = request.raw
  const bytesBefore = socket.bytesWritten
  const started = performance.now()
  response.once('close', () => {
    const { method, url, routeOptions: { url: route }, served } = request
    request.log.info({
      method,
      url,
      route,
      status: response.statusCode,
      bytes: socket.bytesWritten - bytesBefore, // with the headers
      ms: Math.round(performance.now() - started),
      ...served,
      ...response.writableFinished ? {} : { clientLeft: true }
    }, 'Answered')
  })
}
