import { t, type Test } from 'tap'
import { AutoQuality } from '../web/src/player/auto-quality.ts'

const KBITS = { low: 128, medium: 192, high: 256 }

/** Seconds of audio of a piece. */
const PIECE = 1.28

/** Plays over a line, and fetches as long as fewer than 40 s are buffered. */
class Listener {
  readonly auto: AutoQuality
  now = 0
  buffered = 0
  isPlaying = false
  /** Times at which nothing was left in the buffer. */
  stalls: number[] = []
  changes: string[] = []

  constructor (isSaving = false) {
    this.auto = new AutoQuality(isSaving)
  }

  /** @param kbits of the line, by time */
  listen (seconds: number, kbits: (now: number) => number): void {
    for (const end = this.now + seconds; this.now < end;) {
      if (this.buffered > 40) {
        this.#pass(1)
        continue
      }
      const level = this.auto.next(this.buffered, this.now)
      if (level !== this.changes.at(-1)) this.changes.push(level)
      const transfer = PIECE * KBITS[level] / kbits(this.now)
      this.#pass(transfer)
      this.auto.measured(PIECE * KBITS[level] * 125, transfer, PIECE)
      this.buffered += PIECE
      if (!this.isPlaying) this.isPlaying = this.auto.canStart(this.buffered)
    }
  }

  #pass (seconds: number): void {
    this.now += seconds
    if (!this.isPlaying) return
    if (this.buffered < seconds) this.stalls.push(this.now)
    this.buffered = Math.max(this.buffered - seconds, 0)
  }
}

t.test('a line decides the level, without a stall', async t => {
  for (const [kbits, levels] of [
    [150, ['medium', 'low']], [160, ['medium', 'low']], [250, ['medium']], [1000, ['medium', 'high']], [100_000, ['medium', 'high']]
  ] as const) {
    const listener = new Listener()
    listener.listen(300, () => kbits)
    t.same(listener.changes, levels, `${kbits} kbit/s`)
    t.same(listener.stalls, [], `no stall at ${kbits} kbit/s`)
  }
})

t.test('it falls before it stalls, and climbs when the line is back', async t => {
  const listener = new Listener()
  listener.listen(60, () => 5000)
  listener.listen(90, () => 160)
  listener.listen(120, () => 5000)
  t.same(listener.changes, ['medium', 'high', 'low', 'medium', 'high'])
  t.same(listener.stalls, [])
})

t.test('it does not flap on a line whose speed varies', async (t: Test) => {
  for (const kbits of [200, 270, 330, 400]) {
    const listener = new Listener()
    listener.listen(600, now => kbits * (1 + 0.4 * Math.sin(now / 3)))
    t.ok(listener.changes.length <= 4, `${kbits} kbit/s: ${listener.changes.join(', ')}`)
    t.same(listener.stalls, [])
  }
})

t.test('who saves data stays at low', async t => {
  const listener = new Listener(true)
  listener.listen(60, () => 100_000)
  t.same(listener.changes, ['low'])
})
