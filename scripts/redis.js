import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { spawnChild } from './child.js'
import { freePort } from './free-port.js'

const CONFIG = fileURLToPath(new URL('../redis.conf', import.meta.url))

/**
 * Starts a Redis as a child process, on loopback. Rejects where another one already uses the same folder.
 *
 * @param {{ dir: string, port?: number, config?: string, args?: string[] }} options the folder of its data, its port (any
 * free one by default), its configuration (redis.conf by default), and more arguments
 * @returns {Promise<{ url: string, port: number, child: import('node:child_process').ChildProcess, stop(): Promise<void> }>}
 */
export async function startRedis ({ dir, port, config = CONFIG, args = [] }) {
  mkdirSync(dir, { recursive: true })
  await refuseSecond(dir)
  port ??= await freePort()
  const child = spawnChild('redis-server', [config, '--port', `${port}`, '--dir', dir, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
  const exited = once(child, 'exit')
  await ready(child, exited)
  await writeFile(join(dir, 'port'), `${port}`)
  child.once('exit', () => rmSync(join(dir, 'port'), { force: true }))
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    child,
    async stop () {
      child.kill('SIGTERM')
      await exited
    }
  }
}

/** Resolves when Redis accepts connections. Rejects with its last lines of output when it ends before. */
async function ready (child, exited) {
  const lines = []
  const output = createInterface({ input: child.stdout })
  await Promise.race([
    new Promise(resolve => {
      output.on('line', line => {
        lines.push(line)
        if (/Ready to accept connections|Sentinel ID is/.test(line)) resolve()
        if (lines.length > 20) lines.shift()
      })
    }),
    exited.then(([code]) => { throw new Error(`redis-server ended with status ${code}:\n${lines.join('\n')}`) })
  ])
}

/** Two Redis servers would corrupt the append-only file in one folder. */
async function refuseSecond (dir) {
  const port = Number(await readFile(join(dir, 'port'), 'utf8').catch(() => ''))
  if (!port || !await answersPing(port)) return
  throw new Error(`A Redis already runs on ${dir} (port ${port}): is another npm start running in this folder? ` +
    `If none is, end it with: redis-cli -p ${port} shutdown`)
}

async function answersPing (port) {
  const socket = connect({ host: '127.0.0.1', port, timeout: 1000 })
  try {
    await once(socket, 'connect')
    socket.write('PING\r\n')
    const [answer] = await once(socket, 'data')
    return answer.toString().startsWith('+PONG')
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
