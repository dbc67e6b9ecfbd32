import { readdirSync, readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/**
 * What processes have used, with those that they started.
 *
 * @param {number[]} pids
 * @returns {number} CPU seconds, user and system; with those of children that have ended and were waited for
 */
export function cpuSeconds (pids) {
  return sum(tree(pids), pid => {
    // Fields 14 to 17 of the line, counted from 1; the name, in parentheses, may hold blanks.
    const fields = read(pid, 'stat').replace(/.*\) /s, '').split(' ')
    return sum(fields.slice(11, 15), Number) / TICKS
  })
}

/**
 * @param {number[]} pids
 * @returns {number} the memory of these processes and those that they started, in MiB: what is shared counts in parts
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

/** A process that has ended meanwhile used nothing. */
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
