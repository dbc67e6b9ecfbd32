import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { STREAMING, WORKER } from '../scripts/services.js'
import { benchLongSet } from './long-set.js'
import { request } from './request.js'
import { benchSeek } from './seek.js'
import { createSite, median } from './services.js'

const ROUNDS = 5
const SECONDS = 300
/** Bytes of an MP3 at medium until the first audio after tag and Info frame, for two seconds, and to the middle. */
const MP3 = { audio: 3000, twoSeconds: 48_000, middle: SECONDS * 12_000 }

/** Sources whose length is read in different ways, and the encoder of each. */
const FORMATS = {
  'a.flac': [],
  'a.wav': [],
  'alac.m4a': ['-c:a', 'alac'],
  'aac.m4a': ['-c:a', 'aac'],
  'vorbis.ogg': ['-c:a', 'libvorbis'],
  'opus.ogg': ['-c:a', 'libopus']
}

/** @returns tables for the report: starts, starts by format, seeks, and long tracks on all cores */
export async function benchCold () {
  return { start: await benchStart(), formats: await benchFormats(), seek: await benchSeek(), 'long set': await benchLongSet() }
}

/**
 * Measures how long a listener waits for a five-minute FLAC at medium that is not cached. Rounds are interleaved, and each
 * uses new tracks.
 *
 * Two seconds of the original are counted in bytes of FLAC. The chunked response has no ranges: a player reaches the
 * middle by reading everything before it.
 *
 * @returns rows for the report; times are medians in ms
 */
async function benchStart () {
  const site = await createSite()
  const source = makeSource(site, 'source.flac')
  const servers = [
    { name: 'AUDIO_CACHE_ON_MISS=transcode', url: await startServices(site, 'transcode') },
    { name: 'AUDIO_CACHE_ON_MISS=original', url: await startServices(site, 'original') },
    { name: 'ffmpeg … pipe:1, chunked', url: await startChunked(site) }
  ]

  const rows = servers.map(({ name }) => ({ name, headers: [], audio: [], twoSeconds: [], middle: [] }))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, { url }] of servers.entries()) {
      const { headers, audio, twoSeconds } = await play(newTrack(site, source, url))
      rows[i].headers.push(headers)
      rows[i].audio.push(audio)
      rows[i].twoSeconds.push(twoSeconds)
      rows[i].middle.push(await seek(newTrack(site, source, url)))
    }
  }
  await site.stop()
  return rows.map(({ name, ...times }) => ({
    'a miss is answered by': name,
    'headers ms': Math.round(median(times.headers)),
    'first audio byte': Math.round(median(times.audio)),
    '2 s of audio': Math.round(median(times.twoSeconds)),
    'seek to the middle': Math.round(median(times.middle))
  }))
}

/**
 * Measures the wait for five minutes of each format at medium, beside ffmpeg's. Rounds are interleaved.
 *
 * @returns rows for the report; times are medians in ms
 */
async function benchFormats () {
  const site = await createSite()
  const [url, chunked] = [await startServices(site, 'transcode'), await startChunked(site)]
  const rows = Object.entries(FORMATS).map(([name, options]) => ({
    name, source: makeSource(site, name, options), headers: [], audio: [], ffmpeg: []
  }))
  for (let round = 0; round < ROUNDS; round++) {
    for (const { source, ...row } of rows) {
      const { headers, audio } = await play(newTrack(site, source, url))
      row.headers.push(headers)
      row.audio.push(audio)
      row.ffmpeg.push((await play(newTrack(site, source, chunked))).audio)
    }
  }
  await site.stop()
  return rows.map(({ name, headers, audio, ffmpeg }) => ({
    source: name,
    'headers ms': Math.round(median(headers)),
    'first audio byte': Math.round(median(audio)),
    'that of ffmpeg … pipe:1': Math.round(median(ffmpeg)),
    ratio: (median(audio) / median(ffmpeg)).toFixed(2)
  }))
}

/** @returns the path of five minutes of noise */
function makeSource ({ music }, name, options = []) {
  const file = join(music, name)
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `anoisesrc=d=${SECONDS}:r=44100:a=0.3:c=pink:s=1`, '-ac', '2', ...options, file])
  return file
}

/** Starts a worker and a streaming service. @returns the URL */
async function startServices (site, onMiss) {
  const env = await site.env({ AUDIO_CACHE_ON_MISS: onMiss })
  await site.run(WORKER.command, WORKER.ready, env)
  return (await site.run(STREAMING.command, STREAMING.ready, env)).match[1]
}

/** Starts a server that answers with what an ffmpeg writes. @returns the URL */
async function startChunked ({ music, run }) {
  const chunked = fileURLToPath(new URL('chunked.js', import.meta.url))
  return (await run([process.execPath, chunked], STREAMING.ready, { MUSIC_ROOT: music })).match[1]
}

/** @returns the URL of a copy of a source, which nobody has played before */
function newTrack ({ music }, source, url) {
  const name = `${crypto.randomUUID()}${extname(source)}`
  copyFileSync(source, join(music, name))
  return `${url}/play/${name}?quality=medium`
}

/** Plays two seconds, and disconnects. @returns the waits in ms */
async function play (url) {
  const response = await request(url)
  const isMp3 = response.type === 'audio/mpeg'
  const [audio, twoSeconds] = await Promise.all([
    response.reaches(isMp3 ? MP3.audio : 1),
    response.reaches(isMp3 ? MP3.twoSeconds : response.length * 2 / SECONDS)
  ])
  response.disconnect()
  await untilCached(url, response)
  return { headers: response.headers, audio, twoSeconds }
}

/** Starts to play, and seeks to the middle as soon as the length is known. @returns the ms that the seek took */
async function seek (url) {
  const response = await request(url)
  if (!response.length) {
    const time = await response.reaches(MP3.middle)
    response.disconnect()
    return time
  }
  const target = await request(url, { range: `bytes=${Math.floor(response.length / 2)}-` })
  const time = await target.reaches(1)
  for (const { disconnect } of [response, target]) disconnect()
  await untilCached(url, response)
  return time
}

/** Waits until the track is cached. Its job goes on after the listener disconnects, and would disturb the next measurement. */
async function untilCached (url, { length }) {
  if (!length) return
  while ((await fetch(url, { method: 'HEAD' })).headers.get('cache-status') !== 'mixtape; hit') await setTimeout(50)
}
