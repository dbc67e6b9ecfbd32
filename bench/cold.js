import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { STREAMING, WORKER } from '../scripts/services.js'
import { bench, median } from './services.js'

const ROUNDS = 5
const SECONDS = 300
/** Bytes of MP3 at medium: beyond tag and Info frame, two seconds, and the middle of the track. */
const MP3 = { audio: 3000, twoSeconds: 48_000, middle: SECONDS * 12_000 }

/**
 * What a listener waits for who plays a five-minute FLAC at medium that nobody has played before, in ms: medians of
 * interleaved rounds, each with tracks of its own.
 *
 * The original is no MP3: its two seconds are as many bytes of FLAC. Without ranges, the middle is what a player reads
 * its way through to.
 */
export async function benchCold () {
  const site = await bench()
  const source = join(site.music, 'source.flac')
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `anoisesrc=d=${SECONDS}:r=44100:a=0.3:c=pink:s=1`, '-ac', '2', source])
  const servers = []
  for (const [name, onMiss] of [['AUDIO_CACHE_ON_MISS=transcode', 'transcode'], ['AUDIO_CACHE_ON_MISS=original', 'original']]) {
    const env = await site.env({ AUDIO_CACHE_ON_MISS: onMiss })
    await site.run(WORKER.command, WORKER.ready, env)
    const { match } = await site.run(STREAMING.command, STREAMING.ready, env)
    servers.push({ name, url: match[1] })
  }
  const chunked = fileURLToPath(new URL('chunked.js', import.meta.url))
  const { match } = await site.run([process.execPath, chunked], STREAMING.ready, { MUSIC_ROOT: site.music })
  servers.push({ name: 'ffmpeg … pipe:1, chunked', url: match[1] })

  const rows = servers.map(({ name }) => ({ name, headers: [], audio: [], twoSeconds: [], middle: [] }))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, { url }] of servers.entries()) {
      const track = async () => {
        const name = `${crypto.randomUUID()}.flac`
        copyFileSync(source, join(site.music, name))
        return `${url}/play/${name}?quality=medium`
      }
      const { headers, audio, twoSeconds } = await play(await track())
      rows[i].headers.push(headers)
      rows[i].audio.push(audio)
      rows[i].twoSeconds.push(twoSeconds)
      rows[i].middle.push(await seek(await track()))
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

/** Plays two seconds, and leaves. */
async function play (url) {
  const answer = await request(url)
  const isMp3 = answer.type === 'audio/mpeg'
  const [audio, twoSeconds] = await Promise.all([
    answer.reaches(isMp3 ? MP3.audio : 1),
    answer.reaches(isMp3 ? MP3.twoSeconds : answer.length * 2 / SECONDS)
  ])
  answer.leave()
  await quiet(url, answer)
  return { headers: answer.headers, audio, twoSeconds }
}

/** Begins to play, and seeks to the middle as soon as the length is known; @returns how long the seek took */
async function seek (url) {
  const answer = await request(url)
  if (!answer.length) {
    const time = await answer.reaches(MP3.middle)
    answer.leave()
    return time
  }
  const there = await request(url, { range: `bytes=${Math.floor(answer.length / 2)}-` })
  const time = await there.reaches(1)
  for (const { leave } of [answer, there]) leave()
  await quiet(url, answer)
  return time
}

/** Waits for the transcode that goes on when a listener has left, so that it is not measured with the next one. */
async function quiet (url, { length }) {
  if (!length) return
  while ((await fetch(url, { method: 'HEAD' })).headers.get('cache-status') !== 'mixtape; hit') await setTimeout(50)
}

/** Times are in ms from here on. */
function request (url, headers = {}) {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const sent = get(url, { headers, agent: false }, response => {
      let received = 0
      const waits = []
      response.on('error', () => {}).on('data', ({ length }) => {
        received += length
        while (waits[0]?.bytes <= received) waits.shift().resolve(performance.now() - began)
      })
      resolve({
        headers: performance.now() - began,
        type: response.headers['content-type'],
        length: Number(response.headers['content-length']),
        /** Asked for in rising order. */
        reaches: bytes => new Promise(resolve => { waits.push({ bytes, resolve }) }),
        leave: () => sent.destroy()
      })
    }).on('error', reject)
  })
}
