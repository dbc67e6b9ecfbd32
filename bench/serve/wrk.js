import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Prints the result of a run as JSON. Times are in µs. */
const DONE = `
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\nJSON {"requests":%d,"bytes":%d,"us":%d,"p50":%d,"p99":%d,"errors":%d}\\n',
    summary.requests, summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end`

/** Repeats the requests for all targets in turn. */
const TURNS = `
local requests, turn = {}, 0
init = function()
  for i, target in ipairs(targets) do requests[i] = wrk.format("GET", target.path, target.headers) end
end
request = function()
  turn = turn % #requests + 1
  return requests[turn]
end`

/** Requests ranges of `length` bytes at random positions. The sequence is the same in each run. */
const RANGES = length => `
request = function()
  local target = targets[math.random(#targets)]
  local first = math.random(0, target.size - ${length})
  return wrk.format("GET", target.path, { Range = "bytes=" .. first .. "-" .. first + ${length} - 1 })
end`

/**
 * @typedef {{ path: string, size?: number, etag?: string }} Target
 * @param {string} dir for the script of wrk
 */
export function createWrk (dir) {
  /**
   * @param {{ url: string, targets: Target[], connections: number, seconds: number, range?: number }} options range: its
   * length in bytes, at random positions. Without it whole files are requested, with If-None-Match where there is an etag.
   * @returns the seconds, the number of requests, the MB received, and percentiles of the latency in ms
   */
  return async function wrk ({ url, targets, connections, seconds, range }) {
    const script = join(dir, 'requests.lua')
    const list = targets.map(({ path, size = 0, etag }) =>
      `{ path = ${lua(path)}, size = ${size}, headers = {${etag ? ` ["If-None-Match"] = ${lua(etag)} ` : ''}} }`)
    writeFileSync(script, `local targets = {\n${list.join(',\n')}\n}${range ? RANGES(range) : TURNS}${DONE}`)
    const args = ['-t', '1', '-c', `${connections}`, '-d', `${seconds}s`, '--timeout', '30s', '-s', script, url]
    const { stdout } = await promisify(execFile)('wrk', args)
    const { requests, bytes, us, p50, p99, errors } = JSON.parse(/^JSON (.*)/m.exec(stdout)[1])
    if (errors > 0 || requests === 0) throw new Error(`${url}: ${errors} errors, ${requests} responses\n${stdout}`)
    return { seconds: us / 1e6, requests, MB: bytes / 1e6, p50: p50 / 1000, p99: p99 / 1000 }
  }
}

function lua (text) {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}
