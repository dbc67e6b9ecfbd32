import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenFile, Track } from '@mixtape/library'
import { ID3V1_SIZE, id3v1, type TranscodeQuality } from '@mixtape/mp3'
import { LEASE_MS } from './part.ts'
import {
  completeSize, entityTag, isMadeFrom, readProvenance, type StoredProvenance, type Transcode
} from './provenance.ts'

/** How often the size of a growing file is polled. 100 listeners cost 1 % of a core; with fs.watch it would be 20 %. */
const POLL_MS = 25

/** The first poll comes after this time, so that the first bytes of the encoder are sent at once. */
const FIRST_POLL_MS = 4

/** Longest wait for a byte. Players give up after 8 to 10 s without one. */
const MAX_WAIT_MS = 7000

/** How long the encoder is observed before its speed is estimated. */
const OBSERVE_MS = 1000

/**
 * A transcode that a worker is writing, served as the complete file: its size, its entity tag, its first and its last
 * bytes are known from the start. A read waits for the bytes that are not written yet.
 *
 * The open descriptor stays valid when the file is renamed to its final name. The worker has given up a file that is
 * deleted before it is complete, and one that was neither written nor touched for LEASE_MS.
 */
export class GrowingFile implements Transcode {
  readonly provenance: StoredProvenance
  readonly size: number
  readonly etag: string
  readonly mtimeNs = undefined
  readonly #file: OpenFile
  readonly #trailer: Buffer
  /** Bytes written so far. */
  #available: number
  /** Position of the first read. */
  #start: number | undefined

  /**
   * Makes a growing file of an open part. Closing it closes `file`. In the other cases the caller must close() `file`.
   *
   * @returns undefined for a part of another version of the track, 'headless' where the tag is not completely written
   */
  static async of (file: OpenFile, track: Track, quality: TranscodeQuality): Promise<GrowingFile | 'headless' | undefined> {
    const provenance = await readProvenance(file)
    if (!provenance) return 'headless'
    if (!isMadeFrom(track, provenance)) return undefined
    const tag = await file.head(provenance.tagSize)
    return tag.length < provenance.tagSize
      ? 'headless'
      : new GrowingFile(file, provenance, quality, id3v1(tag))
  }

  /** @param trailer the ID3v1 tag at the end of the complete file */
  private constructor (file: OpenFile, provenance: StoredProvenance, quality: TranscodeQuality, trailer: Buffer) {
    this.provenance = provenance
    this.size = completeSize(provenance, quality)
    this.etag = entityTag(provenance)
    this.#file = file
    this.#trailer = trailer
    this.#available = file.size
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
    const trailerStart = this.size - ID3V1_SIZE
    if (this.#start >= trailerStart) return this.#trailer.copy(buffer, 0, position - trailerStart, position - trailerStart + length)
    if (position >= this.#available && !await this.#waitFor(position, isAborted)) return 0
    return await this.#file.read(buffer, Math.min(length, this.#available - position), position)
  }

  /**
   * Waits until a byte can be read. 'ended' means that the worker has given up, or the client has left.
   */
  async reach (
    position: number, waitedMs: number, isAborted: () => boolean
  ): Promise<'ready' | 'ended' | { retryAfter: number }> {
    if (position >= this.size - ID3V1_SIZE || position < this.#available) return 'ready'
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
      const isTooLong = elapsedMs > maxWaitMs || (observedMs > OBSERVE_MS && elapsedMs + remainingMs > maxWaitMs)
      if (isTooLong) retryAfter = Math.max(Math.ceil(Math.min(remainingMs, 60_000) / 1000), 1)
      return isTooLong || isAborted()
    })
    if (isReady) return 'ready'
    return retryAfter ? { retryAfter } : 'ended'
  }

  async close (): Promise<void> {
    await this.#file.close()
  }

  /** @returns whether the byte at a position was written; false where the worker has given up, or `shouldStop` says so */
  async #waitFor (position: number, shouldStop: () => boolean): Promise<boolean> {
    let lastTouch = { time: performance.now(), mtimeNs: 0n }
    for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(pollMs * 1.1, POLL_MS)) {
      const { size, mtimeNs, nlink } = await this.#file.stat()
      this.#available = Number(size)
      if (position < this.#available) return true
      if (mtimeNs !== lastTouch.mtimeNs) lastTouch = { time: performance.now(), mtimeNs }
      if (nlink === 0n || performance.now() - lastTouch.time > LEASE_MS || shouldStop()) return false
      await sleep(pollMs)
    }
  }
}
