import type { TrackEntry } from '../api/library.ts'
import { fetchReadiness, type MixtapeTracks } from '../api/mixtapes.ts'
import type { Quality } from '../api/qualities.ts'
import { download, ServerBusyError } from './download.ts'
import { removePage, storePage } from './kept-page.ts'
import { registerWorker } from './register.ts'
import { forgetKept, keptMixtape, keptMixtapes, removeUnused, saveKept, storedTracks } from './store.ts'

/** Time after which the server is asked again that did not answer, or had not made an MP3 yet. */
const RETRY_MS = 3000

/** How far a mixtape is kept. */
export interface KeepingState {
  /** `waiting`: for the line, or for the server. */
  status: 'none' | 'fetching' | 'waiting' | 'paused' | 'kept'
  quality?: Quality
  /** Whole tracks. */
  tracks: number
  /** On this device. */
  bytes: number
  /** Why it waits, or has stopped; for people. */
  message: string
}

/** Keeps one mixtape on this device. Event: `change`. */
class Keeper extends EventTarget {
  readonly #slug: string
  #running: Promise<void> | undefined
  #stop = new AbortController()
  #waitsFor = ''
  /** Tracks of which the server says that no MP3 can be made. */
  #originals = new Set<string>()

  constructor (slug: string) {
    super()
    this.#slug = slug
  }

  async state (): Promise<KeepingState> {
    const kept = await keptMixtape(this.#slug)
    if (!kept) return { status: 'none', tracks: 0, bytes: 0, message: this.#waitsFor }
    const { quality, paths, isPaused } = kept
    const stored = (await storedTracks()).filter(track => track.quality === quality && paths.includes(track.path))
    const whole = stored.filter(({ have, size }) => have === size)
    const isWhole = whole.length === new Set(paths).size
    return {
      status: isWhole ? 'kept' : isPaused ? 'paused' : this.#waitsFor ? 'waiting' : 'fetching',
      quality,
      tracks: whole.length,
      bytes: stored.reduce((sum, { have }) => sum + have, 0),
      message: this.#waitsFor
    }
  }

  /** Starts to keep the mixtape. @throws with a message for people */
  async keep ({ slug, title = slug, tracks }: MixtapeTracks, quality: Quality): Promise<void> {
    await registerWorker()
    await navigator.storage.persist?.()
    await saveKept({ slug, title, quality, paths: playable(tracks), isPaused: false })
    this.resume()
  }

  /** The mixtape was opened while the server answers: takes over how it is now, and fetches what is new or was replaced. */
  async update ({ title, tracks }: MixtapeTracks): Promise<void> {
    const kept = await keptMixtape(this.#slug)
    if (!kept) return
    await saveKept({ ...kept, title: title ?? this.#slug, paths: playable(tracks) })
    await removeUnused()
    if (!kept.isPaused) this.resume()
  }

  async pause (): Promise<void> {
    await this.#end()
    await this.#setPaused(true)
    this.#changed()
  }

  resume (): void {
    this.#stop.abort()
    const { signal } = this.#stop = new AbortController()
    const before = this.#running
    this.#running = (async () => {
      await before
      if (signal.aborted) return
      await this.#setPaused(false)
      await this.#run(signal)
    })()
    this.#changed()
  }

  /** Deletes what only this mixtape has on this device. */
  async remove (): Promise<void> {
    await this.#end()
    await forgetKept(this.#slug)
    await removeUnused()
    await removePage(this.#slug)
    this.#changed()
  }

  async #setPaused (isPaused: boolean): Promise<void> {
    const kept = await keptMixtape(this.#slug)
    if (kept) await saveKept({ ...kept, isPaused })
  }

  async #end (): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** Fetches track after track until all are here. It goes on by itself after a broken line. */
  async #run (signal: AbortSignal): Promise<void> {
    const kept = await keptMixtape(this.#slug)
    if (!kept) return
    this.#waitsFor = ''
    let hasPage = false
    for (let pending = [...new Set(kept.paths)]; !signal.aborted;) {
      try {
        if (!hasPage) await storePage(kept, signal)
        hasPage = true
        pending = await this.#fetchAll(pending, kept.quality, signal)
        if (pending.length === 0) break
        const stateOf = await fetchReadiness(this.#slug)
        for (const path of pending) if (stateOf(path, kept.quality) === 'failed') this.#originals.add(path)
        this.#waitsFor = `The server still makes ${pending.length} of ${kept.paths.length} tracks.`
      } catch (error) {
        if (signal.aborted || (await this.state()).status === 'kept') break // the next visit asks again what has changed
        if ((error as Error).name === 'QuotaExceededError') {
          await this.#setPaused(true)
          this.#waitsFor = 'This device has no space left for it.'
          break
        }
        this.#waitsFor = error instanceof ServerBusyError ? error.message : 'The server does not answer.'
        this.#waitsFor += ' It goes on by itself.'
      }
      this.#changed()
      await pauseFor(RETRY_MS, signal)
      this.#waitsFor = ''
    }
    this.#changed()
  }

  /** @returns the tracks of which the server has no MP3 yet */
  async #fetchAll (paths: string[], quality: Quality, signal: AbortSignal): Promise<string[]> {
    const pending: string[] = []
    for (const path of paths) {
      const takeOriginal = this.#originals.has(path)
      const outcome = await download(path, quality, { takeOriginal, signal, onProgress: () => { this.#changed() } })
      if (outcome === 'not-ready') pending.push(path)
      this.#changed()
    }
    return pending
  }

  #changed (): void {
    this.dispatchEvent(new Event('change'))
  }
}

const keepers = new Map<string, Keeper>()

/** @returns the one that keeps a mixtape, also while another place of the page is shown */
export function keeperOf (slug: string): Keeper {
  const keeper = keepers.get(slug) ?? new Keeper(slug)
  keepers.set(slug, keeper)
  return keeper
}

/** Goes on with what was not fetched to its end when the page was closed. */
export async function resumeKeeping (): Promise<void> {
  if (!('serviceWorker' in navigator) || !navigator.serviceWorker.controller) return // nothing was kept
  for (const { slug, isPaused } of await keptMixtapes()) {
    const { status } = await keeperOf(slug).state()
    if (status !== 'kept' && !isPaused) keeperOf(slug).resume()
  }
}

function playable (tracks: TrackEntry[]): string[] {
  return tracks.filter(({ size }) => size !== undefined).map(({ path }) => path)
}

/** Waits, but not longer than until the line is back or the signal is aborted. */
async function pauseFor (ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const waiting = new AbortController() // so that no listener outlasts the pause
  await new Promise<unknown>(resolve => {
    setTimeout(resolve, ms)
    addEventListener('online', resolve, { signal: waiting.signal })
    signal.addEventListener('abort', resolve, { signal: waiting.signal })
  })
  waiting.abort()
}
