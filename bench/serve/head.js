import { connect } from 'node:net'

/**
 * Asks for heads over connections that stay open, one at a time on each. wrk cannot: it waits for the bodies.
 *
 * @param {{ port: number, targets: { path: string }[], connections: number, seconds: number }} options
 */
export async function heads ({ port, targets, connections, seconds }) {
  const requests = targets.map(({ path }) => Buffer.from(`HEAD ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`))
  const began = performance.now()
  const counts = await Promise.all(Array.from({ length: connections }, () => one(port, requests, began + seconds * 1000)))
  return {
    seconds: (performance.now() - began) / 1000,
    requests: counts.reduce((total, count) => total + count)
  }
}

function one (port, requests, end) {
  return new Promise((resolve, reject) => {
    let count = 0
    const ask = () => socket.write(requests[count % requests.length])
    const callback = (length, bytes) => {
      const isWhole = bytes.toString('latin1', length - 4, length) === '\r\n\r\n'
      if (!isWhole || bytes.toString('latin1', 9, 12) !== '200') {
        socket.destroy(new Error(`No head: ${bytes.toString('latin1', 0, length)}`))
        return false
      }
      count++
      if (performance.now() < end) ask()
      else socket.destroy()
      return true
    }
    const socket = connect({ host: '127.0.0.1', port, onread: { buffer: Buffer.allocUnsafe(65536), callback } }, ask)
    socket.on('error', reject).on('end', () => reject(new Error('A connection was ended'))).on('close', () => resolve(count))
  })
}
