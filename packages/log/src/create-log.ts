import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino'
import { escapeInJson, visibleInJson } from './visible.ts'

/** Lines are written after this time, or when they fill the buffer. */
const FLUSH_MS = 100
const BUFFER_BYTES = 64 * 1024

/** Logs readable lines to a terminal, and JSON lines to everything else. */
export function createLog (options: LoggerOptions): Logger {
  return process.stdout.isTTY
    ? pino({ ...options, hooks: { streamWrite: visibleInJson }, transport: { target: 'pino-pretty', options: { singleLine: true } } })
    : pino({ ...options, hooks: { streamWrite: escapeInJson } }, bufferedOutput())
}

/**
 * Collects lines in one buffer and writes them together. One system call for each line would lower the rate of responses
 * without a body to 0.8 to 0.95 (`npm run bench serve`: HEAD, 304). pino's own buffer holds strings, and is no faster.
 */
function bufferedOutput (): DestinationStream & { flushSync (): void } {
  // minLength: pino starts a write only on flush() or for a full buffer. A write that has not started can be done
  // synchronously when the process exits.
  const output = pino.destination({ sync: false, contentMode: 'buffer', minLength: BUFFER_BYTES, maxWrite: 2 * BUFFER_BYTES })
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  let used = 0
  const write = (bytes: Buffer) => output.write(bytes as unknown as string) // the type of write() only has strings
  const writeBuffer = () => {
    if (used > 0) write(Buffer.from(buffer.subarray(0, used)))
    used = 0
  }
  const flushSync = () => {
    writeBuffer()
    output.flushSync()
  }
  setInterval(() => {
    writeBuffer()
    output.flush()
  }, FLUSH_MS).unref()
  process.on('exit', flushSync)
  return {
    write (line) {
      const maxBytes = line.length * 3 // UTF-8 of one UTF-16 code unit
      if (used + maxBytes > BUFFER_BYTES) writeBuffer()
      if (maxBytes > BUFFER_BYTES) write(Buffer.from(line))
      else used += buffer.write(line, used)
    },
    flushSync
  }
}
