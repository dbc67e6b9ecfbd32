import { spawn, spawnSync } from 'node:child_process'

/** Linux ends a program that is started with this when its parent ends, even by SIGKILL. Elsewhere it keeps running. */
const END_WITH_PARENT = ['setpriv', '--pdeathsig', 'TERM']

/**
 * Starts a program that ends at the latest when this process ends, on Linux even when this process is killed.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @returns the child process, in a process group of its own
 */
export function spawnChild (program, args, options) {
  const [command, ...rest] = [...(hasSetpriv() ? END_WITH_PARENT : []), program, ...args]
  // Ctrl-C signals the group of the terminal. The child is in another one, so that the parent ends its children in order.
  const child = spawn(command, rest, { ...options, detached: true })
  const end = () => child.kill('SIGTERM')
  process.on('exit', end)
  child.on('exit', () => process.off('exit', end))
  return child
}

let isAvailable

function hasSetpriv () {
  isAvailable ??= spawnSync(END_WITH_PARENT[0], [...END_WITH_PARENT.slice(1), 'true']).status === 0
  return isAvailable
}
