import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino'

/** Lines are kept back for so long, or until there are so many. */
const FLUSH_MS = 100
const MOST = 500

/** Logs for eyes on a terminal, in JSON lines to everything else. */
export function createLog (options: LoggerOptions): Logger {
  return process.stdout.isTTY
    ? pino({ ...options, transport: { target: 'pino-pretty' } })
    : pino(options, bundles())
}

/** Handed on one by one, the lines would take a third of the time that there is for an answer without a body. */
function bundles (): DestinationStream & { flushSync (): void } {
  const out = pino.destination({ sync: false })
  let lines: string[] = []
  const flush = () => {
    if (lines.length === 0) return
    out.write(lines.join(''))
    lines = []
  }
  const flushSync = () => {
    flush()
    out.flushSync()
  }
  setInterval(flush, FLUSH_MS).unref()
  process.on('exit', flushSync)
  return {
    write (line) {
      if (lines.push(line) === MOST) flush()
    },
    flushSync
  }
}
