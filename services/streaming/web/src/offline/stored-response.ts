import { bytesOf, type StoredTrack } from './store.ts'

/** Answers a GET or HEAD out of a track on this device, as the server would: a Range with 206. */
export async function storedResponse (track: StoredTrack, { method, headers: asked }: Request): Promise<Response> {
  const { etag, contentType, size, quality } = track
  const headers = new Headers({
    'content-type': contentType, etag, 'accept-ranges': 'bytes', 'cache-status': `mixtape-offline; hit; detail=${quality}`
  })
  const ifRange = asked.get('if-range')
  const range = method === 'GET' && (ifRange === null || ifRange === etag) ? parseRange(asked.get('range'), size) : undefined
  if (range === 'unsatisfiable') {
    headers.set('content-range', `bytes */${size}`)
    return new Response(null, { status: 416, headers })
  }
  const { first, last } = range ?? { first: 0, last: size - 1 }
  headers.set('content-length', `${last - first + 1}`)
  if (range) headers.set('content-range', `bytes ${first}-${last}/${size}`)
  const body = method === 'HEAD' ? null : (await bytesOf(track)).slice(first, last + 1)
  return new Response(body, { status: range ? 206 : 200, headers })
}

/** @returns the bytes of a range (RFC 9110, 14.1.2), `last` included; undefined for none, and for what is not understood */
function parseRange (value: string | null, size: number): { first: number, last: number } | 'unsatisfiable' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(value ?? '') ?? []
  if (from === '' && to === '') return undefined
  const first = from === '' ? Math.max(size - Number(to), 0) : Number(from)
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined
  return first > last ? 'unsatisfiable' : { first, last }
}
