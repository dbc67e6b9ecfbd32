import type { ServerResponse } from 'node:http'
import type { Representation } from '@mixtape/audio-cache'
import type { ByteRange } from './ranges.ts'

/** Bytes that are read at once: few for a slow listener, who holds on to them, many for one who takes them at once. */
const SIZES = [16 * 1024, 64 * 1024, 256 * 1024]
/** What every answer begins with, by its place among the sizes. */
const FIRST = 1
/** A listener is given what it takes in this time. */
const AHEAD_MS = 50
/** What the kernel takes at once, even for a slow listener, says nothing: the most is read only beyond this many bytes. */
const PROVEN = 1024 * 1024

/** Between two answers at most this many bytes of each size are kept; the rest is left to the garbage collector. */
const POOLED = 4 * 1024 * 1024
const pools: Buffer[][] = SIZES.map(() => [])

/**
 * Sends bytes of a file, reading on only when the kernel has taken what was read.
 *
 * A file that ends before its range does was cut short, or given up, after its length had been promised: the connection
 * is destroyed, because a listener who waits for the rest, or takes the part for the whole, is worse off than one who
 * sees an error.
 *
 * @throws where the file cannot be read on; then the connection is destroyed too
 */
export async function sendBytes (res: ServerResponse, file: Representation, { first, last }: ByteRange): Promise<void> {
  const { socket } = res.req
  socket.setMaxListeners(0) // any number of answers may wait on one connection
  const hasLeft = () => socket.destroyed
  let step = FIRST
  let buffer = take(step)
  const began = performance.now()
  try {
    for (let at = first; at <= last;) {
      const bytesRead = await file.read(buffer, Math.min(buffer.length, last - at + 1), at, hasLeft)
      if (bytesRead === 0) {
        res.destroy()
        return
      }
      at += bytesRead
      // The buffer of a listener who has left is not given back: the socket may still hold on to it.
      if (!await written(res, buffer.subarray(0, bytesRead), at > last)) return
      const next = stepFor(at - first, performance.now() - began)
      if (next === step || at > last) continue
      giveBack(step, buffer)
      buffer = take(step = next)
    }
    giveBack(step, buffer)
  } catch (error) {
    res.destroy()
    throw error
  }
}

/** @returns what suits a listener who has been given so many bytes in so many milliseconds, pauses included */
function stepFor (bytes: number, ms: number): number {
  const most = bytes < PROVEN ? FIRST : SIZES.length - 1
  const enough = SIZES.findIndex(size => size >= bytes / ms * AHEAD_MS)
  return enough === -1 ? most : Math.min(enough, most)
}

function take (step: number): Buffer {
  return pools[step]?.pop() ?? Buffer.allocUnsafeSlow(SIZES[step] as number)
}

function giveBack (step: number, buffer: Buffer): void {
  const pool = pools[step]
  if (pool && pool.length * buffer.length < POOLED) pool.push(buffer)
}

/** @returns whether the kernel took the bytes: not from a listener who has left */
function written (res: ServerResponse, bytes: Buffer, isLast: boolean): Promise<boolean> {
  return new Promise(resolve => {
    // Of the socket, not of the answer: one that waits behind another answer is never told that the listener has left.
    const { socket } = res.req
    if (socket.destroyed) return resolve(false)
    const left = () => resolve(false)
    socket.once('close', left)
    const taken = (error?: Error | null) => {
      socket.off('close', left)
      resolve(!error)
    }
    if (isLast) res.end(bytes, taken)
    else res.write(bytes, taken)
  })
}
