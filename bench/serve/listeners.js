import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { pssMiB } from '../proc.js'

/** Bytes a second that a listener takes. */
const RATE = 64 * 1024
const TICK_MS = 100

/**
 * Listeners who take what they get at a steady rate, while somebody else asks for heads.
 *
 * @param {{ port: number, pid: number, paths: string[], head: string, count: number, seconds: number }} options pid: of
 * the server, fresh from its start
 */
export async function slowListeners ({ port, pid, paths, head, count, seconds }) {
  const before = pssMiB([pid])
  const listeners = []
  while (listeners.length < count) {
    listeners.push(listen(port, paths[listeners.length % paths.length]))
    if (listeners.length % 20 === 0) await setTimeout(10)
  }
  const probe = new Worker(new URL('probe.js', import.meta.url), { workerData: { port, path: head, seconds } })
  const latencies = new Promise((resolve, reject) => probe.on('message', resolve).on('error', reject))
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    await setTimeout(TICK_MS)
    for (const listener of listeners) listener.go()
  }
  const pss = pssMiB([pid])
  const shares = listeners.map(listener => listener.leave()).sort((a, b) => a - b)
  const times = (await latencies).sort((a, b) => a - b)
  return {
    slowest: shares[0],
    pss,
    each: (pss - before) / count * 1024,
    p50: times[Math.floor(times.length * 0.5)],
    p99: times[Math.floor(times.length * 0.99)]
  }
}

function listen (port, path) {
  let received = 0
  let due = RATE * TICK_MS / 1000
  let began
  let failed
  const callback = length => {
    began ??= performance.now()
    received += length
    return received < due
  }
  const socket = connect({ host: '127.0.0.1', port, onread: { buffer: Buffer.allocUnsafe(16384), callback } })
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
  socket.on('error', error => { failed = error }).on('end', () => { failed = new Error('ended') })
  const elapsed = () => began === undefined ? 0 : performance.now() - began
  return {
    /** Takes what is due by now, with one tick in advance. */
    go () {
      due = RATE * (elapsed() + TICK_MS) / 1000
      if (received < due) socket.resume()
    },
    /** @returns the share of its rate that this listener got */
    leave () {
      socket.destroy()
      return failed || began === undefined ? 0 : Math.min(received / (RATE * elapsed() / 1000), 1)
    }
  }
}
