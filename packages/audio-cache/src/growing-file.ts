import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenFile, Track } from '@mixtape/library'
import { ID3V1_SIZE, id3v1, type TranscodeQuality } from '@mixtape/mp3'
import { LEASE_MS } from './leased-file.ts'
import {
  audioStart, completeSize, entityTag, isMadeFrom, readProvenance, type StoredProvenance, type Transcode
} from './provenance.ts'
import { NEAR_BLOCKS, type OpenSegment, type Segments } from './segments.ts'

/** How often the size of a growing file is polled. 100 listeners cost 1 % of a core; with fs.watch it would be 20 %. */
const POLL_MS = 25

/**
 * The first poll comes after this time, so that the first bytes of the encoder are sent at once. The interval grows slowly:
 * a segment comes after 0.1 to 0.3 s, when it is still below 14 ms.
 */
const FIRST_POLL_MS = 4
const POLL_GROWTH = 1.03

/** Longest wait for a byte. Players give up after 8 to 10 s without one. */
const MAX_WAIT_MS = 7000

/** How long the encoder is observed before its speed is estimated. */
const OBSERVE_MS = 1000

/** Least blocks of a segment that is asked for: two minutes of audio. */
const SEGMENT_BLOCKS = 94

/** After this time a segment is asked for again, unless an encoder is near by then. */
const ASK_AGAIN_MS = 500

/** Blocks that somebody waits for, from `first` to before `end`. */
export interface Blocks {
  first: number
  end: number
}

/**
 * Asks for a segment, and returns at once.
 *
 * @returns a function that must be called when the segment is not waited for any more; `isLeft` says whether the client
 * has left
 */
export type RequestSegment = (segments: Segments, blocks: Blocks) => (isLeft: boolean) => void

/**
 * A transcode that is being written, served as the complete file: its size, its entity tag, its first and its last
 * bytes are known from the start. A read waits for the bytes that are not written yet. Where it would wait for long, it
 * asks for another encoder that starts in the middle of the track.
 *
 * The open descriptor stays valid when the file is renamed to its final name. The worker has given up a file that is
 * deleted before it is complete, one whose mtime goes back, and one that was neither written nor touched for LEASE_MS.
 */
export class GrowingFile implements Transcode {
  readonly provenance: StoredProvenance
  readonly size: number
  readonly etag: string
  readonly mtimeNs = undefined
  readonly #file: OpenFile
  readonly #trailer: Buffer
  readonly #segments: Segments
  /** Position of the first audio frame. */
  readonly #audioStart: number
  readonly #requestSegment: RequestSegment | undefined
  /** Bytes written so far from the start. */
  #available: number
  /** The segment that was read last. */
  #segment: OpenSegment | undefined
  #isSegmentComing = false
  #release: ((isLeft: boolean) => void) | undefined
  #isAborted: () => boolean = () => false
  /** Position of the first read. */
  #start: number | undefined

  /**
   * Makes a growing file of an open part. Closing it closes `file`. In the other cases the caller must close() `file`.
   *
   * @param options.segmentsOf makes the segments of a transcode
   * @returns undefined for a part of another version of the track, 'headless' where the tag is not completely written
   */
  static async of (file: OpenFile, track: Track, quality: TranscodeQuality, { segmentsOf, requestSegment }: {
    segmentsOf: (provenance: StoredProvenance) => Segments, requestSegment: RequestSegment | undefined
  }): Promise<GrowingFile | 'headless' | undefined> {
    const provenance = await readProvenance(file)
    if (!provenance) return 'headless'
    if (!isMadeFrom(track, provenance)) return undefined
    const tag = await file.head(provenance.tagSize)
    return tag.length < provenance.tagSize
      ? 'headless'
      : new GrowingFile(file, provenance, quality, id3v1(tag), segmentsOf(provenance), requestSegment)
  }

  /** @param trailer the ID3v1 tag at the end of the complete file */
  private constructor (
    file: OpenFile, provenance: StoredProvenance, quality: TranscodeQuality, trailer: Buffer,
    segments: Segments, requestSegment: RequestSegment | undefined
  ) {
    this.provenance = provenance
    this.size = completeSize(provenance, quality)
    this.etag = entityTag(provenance)
    this.#file = file
    this.#trailer = trailer
    this.#audioStart = audioStart(provenance, quality)
    this.#segments = segments
    this.#requestSegment = requestSegment
    this.#available = file.size
  }

  /** Blocks of audio that the encoder which started at the start of the track has written. */
  get blocks (): number {
    return Math.floor((this.#available - this.#audioStart) / this.#segments.blockBytes)
  }

  /**
   * Reads bytes, after waiting until they are written.
   *
   * A response that starts in the ID3v1 tag at the end gets it at once: libavformat asks for it before it plays. A
   * response that starts before it waits until the worker has written the tag, which the worker does only after the
   * encoder ended without error.
   *
   * @returns the number of bytes; 0 where the worker has given up
   */
  async read (buffer: Buffer, length: number, position: number, isAborted: () => boolean): Promise<number> {
    this.#start ??= position
    this.#isAborted = isAborted
    const trailerStart = this.size - ID3V1_SIZE
    if (this.#start >= trailerStart) return this.#trailer.copy(buffer, 0, position - trailerStart, position - trailerStart + length)
    for (;;) {
      if (!this.#has(position) && !await this.#waitFor(position, isAborted)) return 0
      if (position < this.#available) return await this.#file.read(buffer, Math.min(length, this.#available - position), position)
      const { file, start } = this.#segment as OpenSegment
      // On a network file system, a segment that was deleted cannot be read any more.
      const bytesRead = await file.read(buffer, length, position - this.#audioStart - start).catch(() => 0)
      if (bytesRead > 0) return bytesRead
      this.#segment = undefined
      await file.close()
    }
  }

  /**
   * Waits until a byte can be read. 'ended' means that the worker has given up, or the client has left.
   */
  async reach (
    position: number, waitedMs: number, isAborted: () => boolean
  ): Promise<'ready' | 'ended' | { retryAfter: number }> {
    this.#isAborted = isAborted
    if (position >= this.size - ID3V1_SIZE || this.#has(position)) return 'ready'
    const maxWaitMs = Math.max(MAX_WAIT_MS - waitedMs, OBSERVE_MS)
    const started = performance.now()
    // An encoder that has just started writes nothing for a while. That time does not count for its speed.
    const availableBefore = this.#available
    let growingSince = started
    let retryAfter = 0
    const isReady = await this.#waitFor(position, () => {
      const now = performance.now()
      if (this.#available === availableBefore) growingSince = now
      const observedMs = now - growingSince
      const remainingMs = observedMs > 0
        ? ((position - this.#available) * observedMs) / (this.#available - availableBefore)
        : Infinity
      const elapsedMs = now - started
      // A segment that was asked for comes sooner than the speed of the first encoder tells.
      const isTooLong = elapsedMs > maxWaitMs ||
        (observedMs > OBSERVE_MS && elapsedMs + remainingMs > maxWaitMs && !this.#isSegmentComing)
      if (isTooLong) retryAfter = Math.max(Math.ceil(Math.min(remainingMs, 60_000) / 1000), 1)
      return isTooLong || isAborted()
    })
    if (isReady) return 'ready'
    return retryAfter ? { retryAfter } : 'ended'
  }

  async close (): Promise<void> {
    this.#release?.(this.#isAborted())
    await Promise.all([this.#file.close(), this.#segment?.file.close()])
  }

  /** Whether a byte was there when files were last looked at. */
  #has (position: number): boolean {
    const audioPosition = position - this.#audioStart
    return position < this.#available ||
      (this.#segment !== undefined && audioPosition >= this.#segment.start && audioPosition < this.#segment.end)
  }

  /** @returns whether the byte at a position was written; false where the worker has given up, or `shouldStop` says so */
  async #waitFor (position: number, shouldStop: () => boolean): Promise<boolean> {
    let lastTouch = { time: performance.now(), mtimeNs: 0n }
    let askedAt = -Infinity
    for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(pollMs * POLL_GROWTH, POLL_MS)) {
      const { size, mtimeNs, nlink } = await this.#file.stat()
      this.#available = Number(size)
      if (position < this.#available || await this.#findSegment(position)) return true
      // Its worker has abandoned it. A touch may set a time that is a little older than that of the write before it.
      if (lastTouch.mtimeNs - mtimeNs > BigInt(LEASE_MS) * 1_000_000n) return false
      if (mtimeNs !== lastTouch.mtimeNs) lastTouch = { time: performance.now(), mtimeNs }
      if (nlink === 0n || performance.now() - lastTouch.time > LEASE_MS || shouldStop()) return false
      if (performance.now() - askedAt > ASK_AGAIN_MS) {
        askedAt = performance.now()
        this.#isSegmentComing = await this.#askForSegment(position)
      }
      await sleep(pollMs)
    }
  }

  /** Segments are not looked for near the first encoder, where most listeners wait: it takes them over by itself. */
  async #findSegment (position: number): Promise<boolean> {
    if (position - this.#available <= NEAR_BLOCKS * this.#segments.blockBytes) return false
    const audioPosition = position - this.#audioStart
    const found = await this.#segments.find(audioPosition, audioPosition + 1)
    if (!found) return false
    const last = this.#segment
    this.#segment = found
    await last?.file.close()
    return true
  }

  /**
   * Asks for a segment where no encoder will come to a position soon.
   *
   * @returns whether there will be one, unless Redis is away or all workers are busy
   */
  async #askForSegment (position: number): Promise<boolean> {
    const near = NEAR_BLOCKS * this.#segments.blockBytes
    if (!this.#requestSegment || position >= this.size - ID3V1_SIZE || position - this.#available <= near) return false
    if (!await this.#segments.areOpen()) return false
    if (!await this.#segments.isNear(position - this.#audioStart, near)) this.#request(position)
    return true
  }

  /** A listener who goes on from one segment to the next gets ever longer ones. They overlap by a block. */
  #request (position: number): void {
    const audioPosition = position - this.#audioStart
    const block = Math.floor(audioPosition / this.#segments.blockBytes)
    const isNext = this.#segment?.end === audioPosition
    const first = isNext ? block - 1 : block
    const blocksRead = isNext && this.#segment ? (this.#segment.end - this.#segment.start) / this.#segments.blockBytes : 0
    this.#release?.(false)
    this.#release = this.#requestSegment?.(this.#segments, { first, end: first + Math.max(SEGMENT_BLOCKS, Math.ceil(2 * blocksRead)) })
  }
}
