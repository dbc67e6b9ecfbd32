import { readdirSync, readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/**
 * @param {number[]} pids
 * @returns {number} CPU seconds (user and system) of these processes and of all that they started, also of those that have
 * ended and were waited for
 */
export function cpuSeconds (pids) {
  return sum(tree(pids), pid => sum(times(pid), Number))
}

/** @returns {number} CPU seconds of these processes alone */
export function ownSeconds (pids) {
  return sum(pids, pid => sum(times(pid).slice(0, 2), Number))
}

/** @returns {number} CPU seconds of children that have ended and were waited for */
export function childrenSeconds (pid) {
  return sum(times(pid).slice(2), Number)
}

/** @returns user and system time of a process, then those of its ended children, in seconds: fields 14 to 17 (proc(5)) */
function times (pid) {
  // The second field is a name in parentheses, and may contain spaces.
  return read(pid, 'stat').replace(/.*\) /s, '').split(' ').slice(11, 15).map(ticks => Number(ticks) / TICKS)
}

/**
 * @param {number[]} pids
 * @returns {number} memory in MiB of these processes and all that they started; shared memory is divided (PSS)
 */
export function pssMiB (pids) {
  return sum(tree(pids), pid => Number(/^Pss:\s+(\d+) kB/m.exec(read(pid, 'smaps_rollup'))?.[1] ?? 0) / 1024)
}

function tree (pids) {
  const parents = readdirSync('/proc').filter(name => /^\d+$/.test(name))
    .map(pid => [Number(pid), Number(/\) \S (\d+)/.exec(read(pid, 'stat'))?.[1])])
  const found = [...pids]
  for (const pid of found) found.push(...parents.filter(([, parent]) => parent === pid).map(([child]) => child))
  return found
}

/** @returns '' where the process has ended, so that it counts as 0 */
function read (pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

function sum (values, number) {
  return values.reduce((total, value) => total + number(value), 0)
}
