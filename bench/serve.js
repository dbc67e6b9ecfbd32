import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { spawnChild } from '../scripts/child.js'
import { foreignLoad, LOAD_CORES, pinned, SERVER_CORE } from './cores.js'

/** With the MTU of loopback (65,536), nginx stalls for 43 ms in each response of 64 KiB. Its rates would be too low. */
const NETWORK = 'ip link set lo mtu 1500 up'

/**
 * Measures how fast originals and cached files are served, in comparison with nginx and @fastify/static on the same
 * files, and how slow listeners are served. Rounds are interleaved. All runs in a private network with Ethernet's MTU.
 *
 * BENCH_ROUNDS (5) and BENCH_SECONDS (5, for each measurement) may be set.
 *
 * @returns tables for the report, with medians
 */
export async function benchServe () {
  const load = foreignLoad()
  const unshare = ['unshare', process.getuid() === 0 ? '-n' : '-rn', 'sh', '-c']
  const isPrivate = spawnSync(unshare[0], [...unshare.slice(1), NETWORK]).status === 0
  const main = pinned(LOAD_CORES, process.execPath, fileURLToPath(new URL('serve/main.js', import.meta.url)), ...isPrivate ? ['private'] : [])
  const [program, ...args] = isPrivate ? [...unshare, `${NETWORK} && exec "$@"`, 'sh', ...main] : main
  const child = spawnChild(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  let tables
  child.on('message', message => { tables = message })
  const [code, signal] = await once(child, 'exit')
  if (!tables) throw new Error(`serve/main.js ended with ${signal ?? code}`)
  const conditions = {
    network: isPrivate ? 'private, MTU 1500' : 'plain loopback: WARNING, nginx stalls there, and its rates are too low',
    cores: SERVER_CORE === undefined
      ? `not pinned, ${cpus().length} in all: WARNING, servers and load share them`
      : `servers (and Redis) on ${SERVER_CORE}, load on ${LOAD_CORES}`,
    'load average before': load
  }
  return { ...tables, 'serve: conditions': Object.entries(conditions).map(([what, value]) => ({ what, value })) }
}
