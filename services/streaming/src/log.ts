import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino'

/** Lines are kept back for so long, or until there are so many bytes of them. */
const FLUSH_MS = 100
const BUNDLE = 64 * 1024

/** Logs for eyes on a terminal, in JSON lines to everything else. */
export function createLog (options: LoggerOptions): Logger {
  return process.stdout.isTTY
    ? pino({ ...options, transport: { target: 'pino-pretty' } })
    : pino(options, bundles())
}

/** Handed on one by one, the lines would take a third of the time that there is for an answer without a body. */
function bundles (): DestinationStream & { flushSync (): void } {
  // Writes begin when they are asked for, or are large: what has not begun can still be written at the end.
  const out = pino.destination({ sync: false, contentMode: 'buffer', minLength: BUNDLE, maxWrite: 2 * BUNDLE })
  const bundle = Buffer.allocUnsafe(BUNDLE)
  let used = 0
  const handOn = (bytes: Buffer) => out.write(bytes as unknown as string) // its types know strings only
  const handOnAll = () => {
    if (used > 0) handOn(Buffer.from(bundle.subarray(0, used)))
    used = 0
  }
  const flush = () => {
    handOnAll()
    out.flush()
  }
  const flushSync = () => {
    handOnAll()
    out.flushSync()
  }
  setInterval(flush, FLUSH_MS).unref()
  process.on('exit', flushSync)
  return {
    write (line) {
      const most = line.length * 3
      if (used + most > BUNDLE) handOnAll()
      if (most > BUNDLE) handOn(Buffer.from(line))
      else used += bundle.write(line, used)
    },
    flushSync
  }
}
