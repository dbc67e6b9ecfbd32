import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { pssMiB } from '../proc.js'

/** Bytes a second that a listener takes. */
const RATE = 64 * 1024
const TICK_MS = 100
/** Listeners who press play in one second: no more than that happens to two thousand in real life. */
const ARRIVALS = 200

/**
 * Makes connections hold no more than a player's would: otherwise the kernel takes whole minutes of music at once.
 */
export function narrowReceiveBuffers () {
  writeFileSync('/proc/sys/net/ipv4/tcp_rmem', '4096 65536 65536')
}

/**
 * Listeners who take what they get at a steady rate, while somebody else asks for heads.
 *
 * @param {{ port: number, pid: number, paths: string[], head: string, count: number, seconds: number }} options pid: of
 * the server, fresh from its start
 */
export async function slowListeners ({ port, pid, paths, head, count, seconds }) {
  const before = pssMiB([pid])
  const listeners = []
  const ticks = setInterval(() => { for (const listener of listeners) listener.go() }, TICK_MS)
  while (listeners.length < count) {
    listeners.push(listen(port, paths[listeners.length % paths.length]))
    await setTimeout(1000 / ARRIVALS)
  }
  const probe = new Worker(new URL('probe.js', import.meta.url), { workerData: { port, path: head, seconds } })
  const latencies = new Promise((resolve, reject) => probe.on('message', resolve).on('error', reject))
  await setTimeout(seconds * 1000)
  clearInterval(ticks)
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
  const began = performance.now()
  let received = 0
  let due = RATE * TICK_MS / 1000
  let failed
  const callback = length => {
    received += length
    return received < due
  }
  const socket = connect({ host: '127.0.0.1', port, onread: { buffer: Buffer.allocUnsafe(16384), callback } })
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
  socket.on('error', error => { failed = error }).on('end', () => { failed = new Error('ended') })
  const elapsed = () => performance.now() - began
  return {
    /** Takes what is due by now, with one tick in advance. */
    go () {
      due = RATE * (elapsed() + TICK_MS) / 1000
      if (received < due) socket.resume()
    },
    /** @returns the share of its rate that this listener got */
    leave () {
      socket.destroy()
      return failed ? 0 : Math.min(received / (RATE * elapsed() / 1000), 1)
    }
  }
}
