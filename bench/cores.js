import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'

/** The numbers of the cores that this process may use. */
export const CORES = allowed()

/** Servers run on one core, and load generators on the others. Undefined with only one core, or without taskset. */
export const { server: SERVER_CORE, load: LOAD_CORES } = split(CORES)

function allowed () {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  return list.split(',').flatMap(part => {
    const [from, to = from] = part.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}

function split ([first, ...others]) {
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

/** @returns the load average before a measurement, with a warning where other programs would disturb it */
export function foreignLoad () {
  const [load] = loadavg()
  const warning = ': WARNING, other programs disturb: CPU seconds and ratios are more reliable than rates'
  return `${load.toFixed(2)}${load > 0.3 ? warning : ''}`
}
