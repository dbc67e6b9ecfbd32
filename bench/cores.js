import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'

/** Servers are pinned to one core, and what loads them to the others, where there are others and a way to pin. */
export const { server: SERVER_CORE, load: LOAD_CORES } = split()

function split () {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  const [first, ...others] = list.split(',').flatMap(part => {
    const [from, to = from] = part.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
  const canPin = others.length > 0 && spawnSync('taskset', ['-c', `${first}`, 'true']).status === 0
  return canPin ? { server: `${first}`, load: others.join(',') } : {}
}

/**
 * @param {string | undefined} cores
 * @param {...string} command
 * @returns {string[]} the command, pinned to these cores
 */
export function pinned (cores, ...command) {
  return cores === undefined ? command : ['taskset', '-c', cores, ...command]
}

/** @returns what to know of a machine that does something else too, before a measurement begins */
export function foreignLoad () {
  const [load] = loadavg()
  return `${load.toFixed(2)}${load > 0.3 ? ': WARNING, others disturb; trust CPU seconds and ratios more than rates' : ''}`
}
