import type { ServerResponse } from 'node:http'
import type { Representation } from '@mixtape/audio-cache'
import type { ByteRange } from './ranges.ts'

/** Enough for one system call to be cheap, little enough for a thousand slow listeners. */
const CHUNK = 128 * 1024

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
  res.req.socket.setMaxListeners(0) // any number of answers may wait on one connection
  const hasLeft = () => res.req.socket.destroyed
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, last - first + 1))
  try {
    for (let at = first; at <= last;) {
      const bytesRead = await file.read(buffer, Math.min(buffer.length, last - at + 1), at, hasLeft)
      if (bytesRead === 0) {
        res.destroy()
        return
      }
      at += bytesRead
      if (!await written(res, buffer.subarray(0, bytesRead))) return
    }
  } catch (error) {
    res.destroy()
    throw error
  }
  res.end()
}

/** @returns whether the kernel took the bytes: not from a listener who has left */
function written (res: ServerResponse, bytes: Buffer): Promise<boolean> {
  return new Promise(resolve => {
    // Of the socket, not of the answer: one that waits behind another answer is never told that the listener has left.
    const { socket } = res.req
    if (socket.destroyed) return resolve(false)
    const left = () => resolve(false)
    socket.once('close', left)
    res.write(bytes, error => {
      socket.off('close', left)
      resolve(!error)
    })
  })
}
