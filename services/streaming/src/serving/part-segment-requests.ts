import type { Blocks, RequestSegment, Segments } from '@mixtape/audio-cache'
import type { Track } from '@mixtape/library'
import type { TranscodeQuality } from '@mixtape/mp3'
import { traceparent } from '@mixtape/tracing'
import { deduplicationId, type TranscodeProducer } from '@mixtape/transcode-queue'

/**
 * Has workers encode segments of parts that listeners have jumped to. All listeners of one segment share a job. When the last one
 * has left, its encoder is stopped, so that a listener who jumps about keeps one encoder busy and not ten.
 */
export class PartSegmentRequests {
  readonly #producer: TranscodeProducer
  /** Listeners that wait for a segment, by the deduplication id of its job. */
  readonly #waiting = new Map<string, number>()

  constructor (producer: TranscodeProducer) {
    this.#producer = producer
  }

  /** @returns the function by which a growing file asks for segments of a track */
  of ({ path, version }: Track, quality: TranscodeQuality, requestId: string): RequestSegment {
    const trace = traceparent() // a file asks for segments outside of the request too
    return (segments, blocks) => {
      const job = { path, quality, reason: 'miss', blocks, requestId, ...trace } as const
      const id = deduplicationId(job)
      this.#waiting.set(id, (this.#waiting.get(id) ?? 0) + 1)
      // Redis may be away. Then the listener waits for the first encoder.
      segments.unstop(blocks.first).then(() => this.#producer.enqueue(job, version)).catch(() => {})
      return isLeft => { this.#release(id, segments, blocks, isLeft) }
    }
  }

  #release (id: string, segments: Segments, { first }: Blocks, isLeft: boolean): void {
    const others = (this.#waiting.get(id) ?? 1) - 1
    if (others > 0) this.#waiting.set(id, others)
    else this.#waiting.delete(id)
    if (isLeft && others === 0) segments.stop(first).catch(() => {})
  }
}
