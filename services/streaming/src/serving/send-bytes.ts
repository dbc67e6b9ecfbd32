import type { ServerResponse } from 'node:http'
import type { Representation } from '@mixtape/library'
import { markEvent } from '@mixtape/tracing'
import type { ByteRange } from './ranges.ts'

/** Bytes of a read at the start of a response, and for a slow client, which occupies its buffer for long. */
const SMALL = 64 * 1024

/** Bytes of a read for a fast client. */
const LARGE = 256 * 1024

/** A client is fast when it takes the bytes of a small block in less than this time, on average. */
const FAST_MS = 50

/** Bytes before the speed of a client is judged. The kernel takes the first ones at once, even for a slow client. */
const MEASURED_BYTES = 1024 * 1024

/** Most bytes of free buffers of each size that are kept for the next response. */
const MAX_POOL_BYTES = 4 * 1024 * 1024
const pools = new Map<number, Buffer[]>([[SMALL, []], [LARGE, []]])

/** What a client got. */
export interface Sent {
  /** Bytes that the kernel has taken. */
  bytes: number
  /** When the first byte was there, as performance.now(); undefined before. */
  firstByteAt: number | undefined
}

/**
 * Sends bytes of a file. It reads a block, waits until the kernel has taken it, and reads the next.
 *
 * A file that ends before the range does was truncated, or given up by its worker. Then the connection is destroyed: the
 * Content-Length was promised, and a client must not take a part for the whole.
 *
 * Large blocks for fast clients raise the rate of whole files by half (`npm run bench serve`: whole MP3s).
 *
 * @param sent is kept up to date
 * @throws where the file cannot be read; then the connection is destroyed too
 */
export async function sendBytes (
  res: ServerResponse, file: Representation, { first, last }: ByteRange, sent?: Sent
): Promise<void> {
  const { socket } = res.req
  socket.setMaxListeners(0) // with pipelining, any number of responses may wait on one connection
  const isAborted = () => socket.destroyed
  const started = performance.now()
  let buffer = takeBuffer(SMALL)
  try {
    for (let position = first; position <= last;) {
      const bytesRead = await file.read(buffer, Math.min(buffer.length, last - position + 1), position, isAborted)
      if (bytesRead === 0) {
        res.destroy()
        return
      }
      if (position === first) markEvent('first byte')
      if (sent) sent.firstByteAt ??= performance.now()
      position += bytesRead
      // The buffer of a client that has left is not reused: the socket may still refer to it.
      if (!await write(res, buffer.subarray(0, bytesRead), position > last)) return
      if (sent) sent.bytes += bytesRead
      const size = blockSize(position - first, performance.now() - started)
      if (size === buffer.length || position > last) continue
      returnBuffer(buffer)
      buffer = takeBuffer(size)
    }
    returnBuffer(buffer)
  } catch (error) {
    res.destroy()
    throw error
  }
}

/** @returns the size of the next block for a client that has taken `bytes` in `ms` */
function blockSize (bytes: number, ms: number): number {
  const isFast = bytes >= MEASURED_BYTES && bytes / ms * FAST_MS > SMALL
  return isFast ? LARGE : SMALL
}

function takeBuffer (size: number): Buffer {
  return pools.get(size)?.pop() ?? Buffer.allocUnsafeSlow(size)
}

function returnBuffer (buffer: Buffer): void {
  const pool = pools.get(buffer.length)
  if (pool && pool.length * buffer.length < MAX_POOL_BYTES) pool.push(buffer)
}

/** @returns whether the kernel took the bytes; false where the client has left */
function write (res: ServerResponse, bytes: Buffer, isLast: boolean): Promise<boolean> {
  return new Promise(resolve => {
    // On the socket: a response that waits behind another one gets no 'close' when the client leaves.
    const { socket } = res.req
    if (socket.destroyed) return resolve(false)
    const onClose = () => resolve(false)
    socket.once('close', onClose)
    const onWritten = (error?: Error | null) => {
      socket.off('close', onClose)
      resolve(!error)
    }
    if (isLast) res.end(bytes, onWritten)
    else res.write(bytes, onWritten)
  })
}
