import { spawn, spawnSync } from 'node:child_process'

/** How Linux is told to end a program when its parent ends, even by SIGKILL; elsewhere such an orphan lives on. */
const TIED = ['setpriv', '--pdeathsig', 'TERM']

/**
 * Starts a program that is ended by its parent alone, and does not outlive it.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 */
export function spawnChild (program, args, options) {
  const [command, ...rest] = [...(canTie() ? TIED : []), program, ...args]
  // In a process group of its own: a Ctrl-C in the terminal is for the parent, which ends its children in order.
  const child = spawn(command, rest, { ...options, detached: true })
  const end = () => child.kill('SIGTERM')
  process.on('exit', end)
  child.on('exit', () => process.off('exit', end))
  return child
}

let tieable

function canTie () {
  tieable ??= spawnSync(TIED[0], [...TIED.slice(1), 'true']).status === 0
  return tieable
}
