import { createWrk } from './wrk.js'
import { heads } from './head.js'

const RANGE = 64 * 1024

/**
 * The workloads by title. `run` loads a server for some seconds. `amount` is what its result counts, in `unit`.
 *
 * @param {import('./site.js').Site} site
 */
export function workloads ({ dir, tracks, sizes }) {
  const wrk = createWrk(dir)
  const mp3s = server => tracks.map(name => ({ path: server.mp3(name), size: sizes.mp3, etag: server.etags?.[name] }))
  const requests = { unit: 'requests', amount: result => result.requests }
  return {
    'whole MP3s of 5 MB, 16 connections': {
      unit: 'MB',
      amount: ({ MB }) => MB,
      run: (server, seconds) => wrk({ ...server, seconds, connections: 16, targets: plain(mp3s(server)) })
    },
    'ranges of 64 KiB of MP3s, 64 connections': {
      ...requests,
      run: (server, seconds) => wrk({ ...server, seconds, connections: 64, range: RANGE, targets: plain(mp3s(server)) })
    },
    'HEAD, 64 connections': {
      ...requests,
      run: (server, seconds) => heads({ ...server, seconds, connections: 64, targets: mp3s(server) })
    },
    '304, 64 connections': {
      ...requests,
      run: (server, seconds) => wrk({ ...server, seconds, connections: 64, targets: mp3s(server) })
    },
    'misses: ranges of 64 KiB of FLACs, 64 connections': {
      ...requests,
      run: (server, seconds) => wrk({
        ...server,
        seconds,
        connections: 64,
        range: RANGE,
        targets: tracks.map(name => ({ path: (server.miss ?? server.flac)(name), size: sizes.flac }))
      })
    }
  }
}

function plain (targets) {
  return targets.map(({ etag, ...target }) => target)
}

/**
 * Checks that a server serves the MP3s by range and evaluates If-None-Match, and reads their entity tags.
 *
 * @returns {Promise<Record<string, string>>} by the name of a track
 */
export async function etags (server, { tracks, sizes }) {
  const entries = await Promise.all(tracks.map(async name => {
    const get = headers => fetch(server.url + server.mp3(name), { headers })
    const partial = await get({ range: 'bytes=1000-1999' })
    const length = (await partial.arrayBuffer()).byteLength
    const etag = partial.headers.get('etag')
    // Without cache-control, fetch adds `no-cache`, and @fastify/static then sends the whole file.
    const { status } = await get({ 'if-none-match': etag, 'cache-control': 'max-age=0' })
    const contentRange = partial.headers.get('content-range')
    if (partial.status !== 206 || length !== 1000 || contentRange !== `bytes 1000-1999/${sizes.mp3}` || status !== 304) {
      throw new Error(`${server.name} does not serve ${name}: ${partial.status} with ${length} bytes, ${status}`)
    }
    return [name, etag]
  }))
  return Object.fromEntries(entries)
}
