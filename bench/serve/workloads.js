import { createWrk } from './wrk.js'
import { heads } from './head.js'

const RANGE = 64 * 1024

/**
 * What is asked of each server, and which figure of it counts: `unit` of `amount` a second.
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
 * Checks that a server has the files that are measured, and learns their entity tags.
 *
 * @returns {Promise<Record<string, string>>} by the name of a track
 */
export async function etags (server, { tracks, sizes }) {
  const entries = await Promise.all(tracks.map(async name => {
    const ask = headers => fetch(server.url + server.mp3(name), { headers })
    const part = await ask({ range: 'bytes=1000-1999' })
    const length = (await part.arrayBuffer()).byteLength
    const etag = part.headers.get('etag')
    // Without cache-control fetch adds `no-cache`, which @fastify/static obeys.
    const { status } = await ask({ 'if-none-match': etag, 'cache-control': 'max-age=0' })
    if (part.status !== 206 || length !== 1000 || part.headers.get('content-range') !== `bytes 1000-1999/${sizes.mp3}` || status !== 304) {
      throw new Error(`${server.name} does not serve ${name}: ${part.status} with ${length} bytes, ${status}`)
    }
    return [name, etag]
  }))
  return Object.fromEntries(entries)
}
