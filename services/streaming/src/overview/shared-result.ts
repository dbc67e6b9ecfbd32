/** A result is kept for this time, or for twenty times of what it took to get it, so that it takes 5 % of the time at most. */
const KEEP_MS = 5000

/** Longest time: a slow disk must not look slow, or gone, for long after it has recovered. */
const MAX_KEEP_MS = 60_000

/** Gets something that takes a walk over the disk, and keeps it for a while. All callers share it. An error is not kept. */
export class SharedResult<T> {
  readonly #get: () => Promise<T>
  #result: Promise<T> | undefined
  #until = 0

  constructor (get: () => Promise<T>) {
    this.#get = get
  }

  async read (): Promise<T> {
    if (!this.#result || performance.now() > this.#until) {
      const started = performance.now()
      this.#until = Infinity
      this.#result = this.#get()
      const keep = (ms: number) => { this.#until = performance.now() + ms }
      this.#result.then(
        () => keep(Math.min(Math.max(KEEP_MS, 20 * (performance.now() - started)), MAX_KEEP_MS)),
        () => keep(0)
      )
    }
    return await this.#result
  }
}
