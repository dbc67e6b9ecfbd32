import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * @param {string} [host]
 * @param {number} [port] one that is wanted, or 0 for any
 * @returns {Promise<number>} a port that nothing listens on; rejects where the one that is wanted is taken
 */
export async function freePort (host = '127.0.0.1', port = 0) {
  const server = createServer().listen({ host, port })
  await once(server, 'listening')
  const { port: free } = server.address()
  server.close()
  await once(server, 'close')
  return free
}
