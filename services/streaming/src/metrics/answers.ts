import type { FastifyReply, FastifyRequest } from 'fastify'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Track } from '@mixtape/library'
import { qualities, type Quality } from '@mixtape/mp3'
import type { Listeners } from '../overview/listeners.ts'
import type { Decision } from '../serving/decision.ts'
import type { Sent } from '../serving/send-bytes.ts'
import { FirstByteTimes } from './first-byte-times.ts'

const LABELS = ['route', 'quality', 'outcome', 'reason'] as const

interface Kind {
  labels: Record<typeof LABELS[number], string>
  /** Requests since the last scrape. */
  requests: number
}

/**
 * Counts answers, and what clients get with them. An answer adds to numbers in memory when it ends, and a scrape takes them
 * over: prom-client's own counters hash the labels each time. It takes 1.7 % of the CPU of a range of 64 KiB, and 2.3 % of that
 * of a 304, without the listeners and the statistics, which it calls (node --cpu-prof while wrk asks).
 */
export class Answers {
  readonly #listeners: Listeners
  readonly #onSent: (quality: Quality, bytes: number) => void
  readonly #kinds = new Map<string, Kind>()
  readonly #open: Record<Quality, number> = { original: 0, high: 0, medium: 0, low: 0 }
  readonly #sent: Record<Quality, number> = { original: 0, high: 0, medium: 0, low: 0 }
  readonly #firstByte: FirstByteTimes
  readonly #encoderWait: Record<'start' | 'range', (seconds: number) => void>

  /** @param onSent called at the end of each answer with audio: the quality that was sent, and the bytes that the client got */
  constructor (registry: Registry, listeners: Listeners, onSent: (quality: Quality, bytes: number) => void) {
    this.#listeners = listeners
    this.#onSent = onSent
    const registers = [registry]
    const requests = new Counter({
      name: 'mixtape_requests_total',
      help: 'Requests by route, quality that was asked for, outcome and reason: what Cache-Status says, or the status of other answers.',
      labelNames: LABELS,
      registers,
      collect: () => {
        for (const kind of this.#kinds.values()) {
          requests.inc(kind.labels, kind.requests)
          kind.requests = 0
        }
      }
    })
    const sent = new Counter({
      name: 'mixtape_sent_bytes_total',
      help: 'Bytes of audio that clients got, by representation; without headers, and without what nginx sends (X_ACCEL).',
      labelNames: ['representation'],
      registers,
      collect: () => {
        for (const representation of qualities) {
          sent.inc({ representation }, this.#sent[representation])
          this.#sent[representation] = 0
        }
      }
    })
    const open = new Gauge({
      name: 'mixtape_open_streams',
      help: 'Answers with audio that are being sent, by representation.',
      labelNames: ['representation'],
      registers,
      collect: () => { for (const representation of qualities) open.set({ representation }, this.#open[representation]) }
    })
    this.#firstByte = new FirstByteTimes(registry)
    const encoderWait = new Histogram({
      name: 'mixtape_encoder_wait_seconds',
      help: 'Time that a listener waited for the encoder: until a transcode had started, or until it had come to a range.',
      labelNames: ['until'],
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers
    })
    this.#encoderWait = { start: encoderWait.labels('start').observe, range: encoderWait.labels('range').observe }
  }

  /**
   * Counts an answer with audio.
   *
   * @param route its pattern
   * @param asked quality that was asked for
   * @returns `sent`, for respond(), and a function that must be called at the end
   */
  start (
    request: FastifyRequest, reply: FastifyReply, route: string, track: Track, { outcome, cachedPath, cacheStatus }: Decision, asked: Quality
  ): { sent: Sent, end: () => void } {
    request.isCounted = true
    const representation = cachedPath === undefined ? 'original' : asked // a miss may be answered with the original
    const sent: Sent = { bytes: 0, firstByteAt: undefined }
    const startedAt = performance.now() - reply.elapsedTime
    const stop = this.#listeners.start(request, track, representation)
    this.#open[representation]++
    return {
      sent,
      end: () => {
        stop()
        this.#open[representation]--
        this.#sent[representation] += sent.bytes
        this.#onSent(representation, sent.bytes)
        if (sent.firstByteAt !== undefined) this.#firstByte.add(outcome, (sent.firstByteAt - startedAt) / 1000)
        const { statusCode } = reply.raw
        if (statusCode < 400) this.#kind(route, asked, outcome, cacheStatus).requests++
        else this.#kind(route, asked, 'error', `${statusCode}`).requests++
      }
    }
  }

  /** Counts a request for a level whose MP3 was enqueued: the client has to come back. */
  queued (request: FastifyRequest, route: string, asked: Quality, cacheStatus: string): void {
    request.isCounted = true
    this.#kind(route, asked, 'queued', cacheStatus).requests++
  }

  /** Counts any other answer. */
  other (route: string, status: number): void {
    this.#kind(route, '', status < 400 ? 'ok' : 'error', `${status}`).requests++
  }

  /** @param ms that a listener waited until a transcode had started, or until the encoder had come to its range */
  waited (until: 'start' | 'range', ms: number): void {
    this.#encoderWait[until](ms / 1000)
  }

  /** @param why a value of Cache-Status, or a status */
  #kind (route: string, quality: string, outcome: string, why: string): Kind {
    const key = `${route} ${quality} ${outcome} ${why}`
    const known = this.#kinds.get(key)
    if (known) return known
    const kind = { labels: { route, quality, outcome, reason: reasonOf(why) }, requests: 0 }
    this.#kinds.set(key, kind)
    return kind
  }
}

/** @returns the last word of a Cache-Status: `absent` of `mixtape; fwd=miss; detail=absent`, `hit` of `mixtape; hit` */
function reasonOf (why: string): string {
  return (why.split('; ').at(-1) ?? '').replace(/^detail=/, '').replaceAll('"', '')
}
