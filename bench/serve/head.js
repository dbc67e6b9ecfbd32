import { connect } from 'node:net'

/**
 * Sends HEAD requests over persistent connections, one after the other on each. wrk cannot: it waits for the bodies.
 *
 * @param {{ port: number, targets: { path: string }[], connections: number, seconds: number }} options
 * @returns the seconds that it took, and the number of responses
 */
export async function heads ({ port, targets, connections, seconds }) {
  const requests = targets.map(({ path }) => Buffer.from(`HEAD ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`))
  const startedAt = performance.now()
  const end = startedAt + seconds * 1000
  const counts = await Promise.all(Array.from({ length: connections }, () => runConnection(port, requests, end)))
  return {
    seconds: (performance.now() - startedAt) / 1000,
    requests: counts.reduce((total, count) => total + count)
  }
}

function runConnection (port, requests, end) {
  return new Promise((resolve, reject) => {
    let count = 0
    const send = () => socket.write(requests[count % requests.length])
    const onData = (length, bytes) => {
      const isWhole = bytes.toString('latin1', length - 4, length) === '\r\n\r\n'
      if (!isWhole || bytes.toString('latin1', 9, 12) !== '200') {
        socket.destroy(new Error(`Not the head of a 200 response: ${bytes.toString('latin1', 0, length)}`))
        return false
      }
      count++
      if (performance.now() < end) send()
      else socket.destroy()
      return true
    }
    const socket = connect({ host: '127.0.0.1', port, onread: { buffer: Buffer.allocUnsafe(65536), callback: onData } }, send)
    socket.on('error', reject)
      .on('end', () => reject(new Error('The server closed a connection')))
      .on('close', () => resolve(count))
  })
}
