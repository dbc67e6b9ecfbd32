/** Counts the turns; 0 while none is going on. */
let current = 0
let count = 0
let next: Promise<number> | undefined

/**
 * Those who ask at about the same time are answered together, in one turn of the event loop after the last of them has
 * arrived. What one of them looks up in it is true for all of them, being no older than what they ask; and answers that
 * are sent together spare waking those who read them one by one.
 *
 * A turn lasts until each of them waits for something else.
 *
 * @returns the number of the turn that is going on, or of the next one, when it has begun
 */
export function turn (): Promise<number> | number {
  if (current > 0) return current
  next ??= new Promise(resolve => {
    setImmediate(() => {
      next = undefined
      resolve(current = ++count)
    })
    setImmediate(() => { current = 0 })
  })
  return next
}
