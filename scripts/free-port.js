import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * @param {string} [host]
 * @param {number} [port] 0 for any free port
 * @returns {Promise<number>} a port that no program listens on; rejects where the given port is in use
 */
export async function freePort (host = '127.0.0.1', port = 0) {
  const server = createServer().listen({ host, port })
  await once(server, 'listening')
  const { port: free } = server.address()
  server.close()
  await once(server, 'close')
  return free
}
