import { setTimeout as sleep } from 'node:timers/promises'
import type { Track } from './library.ts'
import type { OpenFile, Representation } from './open-file.ts'
import { LEASE_MS } from './part.ts'
import { etagOf, fileSize, isMadeFrom } from './provenance.ts'
import type { TranscodeQuality } from './qualities.ts'
import { ID3V1_SIZE, id3v1, PROVENANCE_REACH, readProvenance } from './tag.ts'

/** Looking this often costs a hundredth of a core for each hundred listeners; watching the file costs twenty times that. */
const POLL_MS = 25

/** Players give up after 8 to 10 s without a byte. */
const PATIENCE_MS = 7000

/** How long the encoder is looked at before it is said how fast it is. */
const GLANCE_MS = 1000

/**
 * The transcode that a worker is making, as the file that it is going to be: its size, its tag and its first and last
 * bytes are known, and what lies between is waited for.
 *
 * Its descriptor outlives the rename that gives the file its name. A file that is deleted before it is complete, or
 * that nobody has written to or vouched for in five seconds, has been given up.
 */
export class GrowingFile implements Representation {
  readonly size: number
  readonly etag: string
  readonly mtimeNs = undefined
  readonly #file: OpenFile
  readonly #trailer: Buffer
  #available: number
  /** The first position that was read. */
  #first: number | undefined

  constructor (file: OpenFile, size: number, etag: string, trailer: Buffer) {
    this.size = size
    this.etag = etag
    this.#file = file
    this.#trailer = trailer
    this.#available = file.size
  }

  /**
   * Reads on as the file grows.
   *
   * The tag at the end is known from the start, and handed out to those who ask for nothing else, as libavformat does
   * before it plays. An answer that runs up to it waits for the worker to write it, which is its word that all went well.
   */
  async read (buffer: Buffer, length: number, position: number, hasLeft: () => boolean): Promise<number> {
    this.#first ??= position
    const inTrailer = position - (this.size - ID3V1_SIZE)
    if (this.#first >= this.size - ID3V1_SIZE) return this.#trailer.copy(buffer, 0, inTrailer, inTrailer + length)
    if (position >= this.#available && !await this.#grows(position, hasLeft)) return 0
    return await this.#file.read(buffer, Math.min(length, this.#available - position), position)
  }

  /**
   * Waits for a byte before anything is promised to a listener.
   *
   * @param waitedMs how long this listener has waited already
   * @returns 'ready', 'given up', or in how many seconds it is worth asking again
   */
  async reach (
    position: number, waitedMs: number, hasLeft: () => boolean
  ): Promise<'ready' | 'given up' | { retryAfter: number }> {
    if (position >= this.size - ID3V1_SIZE || position < this.#available) return 'ready'
    const patience = Math.max(PATIENCE_MS - waitedMs, GLANCE_MS)
    const begun = performance.now()
    // An encoder that has only just been started says nothing for a while, which is not its speed.
    const before = this.#available
    let growingSince = begun
    let retryAfter = 0
    const arrived = await this.#grows(position, () => {
      const now = performance.now()
      if (this.#available === before) growingSince = now
      const glanced = now - growingSince
      const remaining = glanced > 0 ? ((position - this.#available) * glanced) / (this.#available - before) : Infinity
      const elapsed = now - begun
      const hopeless = elapsed > patience || (glanced > GLANCE_MS && elapsed + remaining > patience)
      if (hopeless) retryAfter = Math.max(Math.ceil(Math.min(remaining, 60_000) / 1000), 1)
      return hopeless || hasLeft()
    })
    if (arrived) return 'ready'
    return retryAfter ? { retryAfter } : 'given up'
  }

  async close (): Promise<void> {
    await this.#file.close()
  }

  /** @returns whether the byte at a position is there: not where the worker has given up, or `enough` says so */
  async #grows (position: number, enough: () => boolean): Promise<boolean> {
    let vouchedFor = { at: performance.now(), mtimeNs: 0n }
    for (;;) {
      const { size, mtimeNs, nlink } = await this.#file.stat()
      this.#available = Number(size)
      if (position < this.#available) return true
      if (mtimeNs !== vouchedFor.mtimeNs) vouchedFor = { at: performance.now(), mtimeNs }
      if (nlink === 0n || performance.now() - vouchedFor.at > LEASE_MS || enough()) return false
      await sleep(POLL_MS)
    }
  }
}

/**
 * @returns undefined for the transcode of another source, 'begun' where the worker has not written the whole head yet,
 * else a growing file that closes the open one
 */
export async function growingFile (
  file: OpenFile, track: Track, quality: TranscodeQuality
): Promise<GrowingFile | 'begun' | undefined> {
  const provenance = readProvenance(await file.head(PROVENANCE_REACH))
  if (!provenance) return 'begun'
  if (!isMadeFrom(track, provenance)) return undefined
  const tag = await file.head(provenance.tagSize)
  return tag.length < provenance.tagSize
    ? 'begun'
    : new GrowingFile(file, fileSize(provenance, quality), etagOf(provenance), id3v1(tag))
}
