import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('../../../scripts/start.js', import.meta.url))

/** Does what `npm start` does: runs Redis, a worker and the streaming service until a signal ends them. */
export async function start (): Promise<number> {
  const child = spawn(process.execPath, [SCRIPT], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  const [status] = await once(child, 'exit')
  return status ?? 1
}
