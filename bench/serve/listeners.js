import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { pssMiB } from '../proc.js'

/** Bytes per second that each listener reads. */
const RATE = 64 * 1024
const TICK_MS = 100
/** Listeners that start per second. Two thousand real listeners do not start faster. */
const ARRIVALS = 200

/**
 * Limits the receive buffers of this network to those of a player. Otherwise the kernel receives minutes of music at once.
 */
export function narrowReceiveBuffers () {
  writeFileSync('/proc/sys/net/ipv4/tcp_rmem', '4096 65536 65536')
}

/**
 * Runs listeners that read at a steady rate, and another client that sends HEAD requests for `head`.
 *
 * @param {{ port: number, pid: number, paths: string[], head: string, count: number, seconds: number }} options pid: of
 * the server, which has just been started
 * @returns the smallest share of its rate that a listener got, the memory of the server in MiB, the memory for each
 * listener in KiB, and percentiles of the HEAD requests in ms
 */
export async function slowListeners ({ port, pid, paths, head, count, seconds }) {
  const before = pssMiB([pid])
  const listeners = []
  const ticks = setInterval(() => { for (const listener of listeners) listener.read() }, TICK_MS)
  while (listeners.length < count) {
    listeners.push(startListener(port, paths[listeners.length % paths.length]))
    await setTimeout(1000 / ARRIVALS)
  }
  const probe = new Worker(new URL('probe.js', import.meta.url), { workerData: { port, path: head, seconds } })
  const latencies = new Promise((resolve, reject) => probe.on('message', resolve).on('error', reject))
  await setTimeout(seconds * 1000)
  clearInterval(ticks)
  const pss = pssMiB([pid])
  const shares = listeners.map(listener => listener.disconnect()).sort((a, b) => a - b)
  const times = (await latencies).sort((a, b) => a - b)
  return {
    slowest: shares[0],
    pss,
    each: (pss - before) / count * 1024,
    p50: times[Math.floor(times.length * 0.5)],
    p99: times[Math.floor(times.length * 0.99)]
  }
}

function startListener (port, path) {
  const startedAt = performance.now()
  let received = 0
  let due = RATE * TICK_MS / 1000
  let failed
  const onData = length => {
    received += length
    return received < due
  }
  const socket = connect({ host: '127.0.0.1', port, onread: { buffer: Buffer.allocUnsafe(16384), callback: onData } })
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
  socket.on('error', error => { failed = error }).on('end', () => { failed = new Error('The server closed the connection') })
  const elapsed = () => performance.now() - startedAt
  return {
    /** Reads what is due by now, and one tick in advance. */
    read () {
      due = RATE * (elapsed() + TICK_MS) / 1000
      if (received < due) socket.resume()
    },
    /** @returns the share of its rate that this listener got */
    disconnect () {
      socket.destroy()
      return failed ? 0 : Math.min(received / (RATE * elapsed() / 1000), 1)
    }
  }
}
