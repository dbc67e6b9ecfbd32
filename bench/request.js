import { once } from 'node:events'
import { get } from 'node:http'

/** Sends a request. @returns the response once its headers are there; all times are in ms since the request */
export function request (url, headers = {}) {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const clientRequest = get(url, { headers, agent: false }, response => {
      let received = 0
      const arrivals = []
      const reached = bytes => arrivals.find(({ end }) => end >= bytes)?.ms
      response.on('error', () => {}).on('data', ({ length }) => {
        arrivals.push({ end: received += length, ms: performance.now() - startedAt })
        response.emit('arrival')
      })
      resolve({
        headers: performance.now() - startedAt,
        type: response.headers['content-type'],
        length: Number(response.headers['content-length']),
        /** Resolves with the time when so many bytes have arrived. */
        reaches: async bytes => {
          while (reached(bytes) === undefined) await once(response, 'arrival')
          return reached(bytes)
        },
        disconnect: () => clientRequest.destroy()
      })
    }).on('error', reject)
  })
}
