/** A result is remembered for this time, or for twenty times of what it took to get it, so that it takes 5 % of the time at most. */
const REMEMBER_MS = 5000

/** Gets something that takes a walk over the disk, and remembers it for a while. All callers share it. */
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
      this.#result = this.#get().finally(() => {
        this.#until = performance.now() + Math.max(REMEMBER_MS, 20 * (performance.now() - started))
      })
    }
    return await this.#result
  }
}
