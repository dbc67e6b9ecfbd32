import { get } from 'node:http'

/** Sends a request. @returns the response once its headers are there; all times are in ms since the request */
export function request (url, headers = {}) {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const clientRequest = get(url, { headers, agent: false }, response => {
      let received = 0
      const pending = []
      response.on('error', () => {}).on('data', ({ length }) => {
        received += length
        while (pending[0]?.bytes <= received) pending.shift().resolve(performance.now() - startedAt)
      })
      resolve({
        headers: performance.now() - startedAt,
        type: response.headers['content-type'],
        length: Number(response.headers['content-length']),
        /** Resolves with the time when so many bytes have arrived. Call it with increasing numbers. */
        reaches: bytes => new Promise(resolve => { pending.push({ bytes, resolve }) }),
        disconnect: () => clientRequest.destroy()
      })
    }).on('error', reject)
  })
}
