import type { ServerResponse } from 'node:http'
import type { Representation } from '@mixtape/audio-cache'
import type { ByteRange } from './ranges.ts'

/** What a slow listener holds, and what every answer begins with. */
const SMALL = 64 * 1024
/** What one system call moves for a listener who takes it at once. */
const LARGE = 256 * 1024
/** A listener who takes longer for what was written is slow. */
const PROMPT_MS = 10

/** Buffers between two answers: more than this many of a size are left to the garbage collector. */
const POOLED = 64
const pools = new Map<number, Buffer[]>([[SMALL, []], [LARGE, []]])

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
  let buffer = take(SMALL)
  try {
    for (let at = first; at <= last;) {
      const bytesRead = await file.read(buffer, Math.min(buffer.length, last - at + 1), at, hasLeft)
      if (bytesRead === 0) {
        res.destroy()
        return
      }
      at += bytesRead
      const began = performance.now()
      // The buffer of a listener who has left is not given back: the socket may still hold on to it.
      if (!await written(res, buffer.subarray(0, bytesRead), at > last)) return
      const size = performance.now() - began < PROMPT_MS && last - at > SMALL ? LARGE : SMALL
      if (size !== buffer.length) {
        giveBack(buffer)
        buffer = take(size)
      }
    }
    giveBack(buffer)
  } catch (error) {
    res.destroy()
    throw error
  }
}

function take (size: number): Buffer {
  return pools.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size)
}

function giveBack (buffer: Buffer): void {
  const pool = pools.get(buffer.length)
  if (pool && pool.length < POOLED) pool.push(buffer)
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
