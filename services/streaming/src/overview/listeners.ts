import type { FastifyRequest } from 'fastify'
import type { Track } from '@mixtape/library'
import type { Quality } from '@mixtape/mp3'

/** A client that has asked for nothing of a track for this time listens to it no longer. */
const LISTENS_MS = 60_000

/** Clients that are remembered at a time. More are not counted. */
const MAX_LISTENERS = 10_000

/** Longest address that is told apart. Anyone can send the header, and it could fill the memory. */
const MAX_ADDRESS = 100

interface Listener {
  quality: Quality
  openResponses: number
  lastRequest: number
}

/**
 * Counts who listens now: clients with a response of a track that is open, or that was within the last minute. Clients
 * behind one address that play the same track count as one. One that goes on to the next track, which the page fetches before
 * the end of the last, counts as two for up to a minute: a player that fetches ahead asks as one that plays.
 */
export class Listeners {
  readonly #listeners = new Map<string, Listener>()

  /**
   * Counts a response of a track, unless it is that to a HEAD.
   *
   * @param quality of what the client gets
   * @returns a function that must be called at the end of the response
   */
  start (request: FastifyRequest, track: Track, quality: Quality): () => void {
    const address = `${request.headers['x-forwarded-for'] ?? request.raw.socket.remoteAddress}`.slice(0, MAX_ADDRESS)
    const listener = request.method === 'HEAD' ? undefined : this.#find(`${address} ${track.path}`, quality)
    if (listener) listener.openResponses++
    return () => {
      if (!listener) return
      listener.openResponses--
      listener.lastRequest = Date.now()
    }
  }

  /** @returns the number of listeners by what they get, and forgets those that have gone */
  count (): Record<Quality, number> {
    const counts = { original: 0, high: 0, medium: 0, low: 0 }
    const since = Date.now() - LISTENS_MS
    for (const [key, { quality, openResponses, lastRequest }] of this.#listeners) {
      if (openResponses > 0 || lastRequest > since) counts[quality]++
      else this.#listeners.delete(key)
    }
    return counts
  }

  #find (key: string, quality: Quality): Listener | undefined {
    const known = this.#listeners.get(key)
    if (known) {
      known.quality = quality
      return known
    }
    if (this.#listeners.size >= MAX_LISTENERS) return undefined
    const listener = { quality, openResponses: 0, lastRequest: Date.now() }
    this.#listeners.set(key, listener)
    return listener
  }
}
