/// <reference lib="dom" /> -- for functions that run in the page
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type Hls from 'hls.js'
import type { Page } from 'playwright-core'
import { t, type Test } from 'tap'
import { framePosition, id3v2Size, ID3V1_SIZE, type TranscodeQuality } from '@mixtape/mp3'
import { openPage } from './fixtures/browser.ts'
import { getPlaylist } from './fixtures/hls.ts'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { startStreaming, startWorker } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

const run = promisify(execFile)

/** Bytes of a decoded frame: 1152 samples of 16 bits in two channels. */
const FRAME = 1152 * 4

/**
 * Starts both services with an empty cache and one track. A miss is answered with its transcode.
 *
 * @returns their parts that tests use; `out` is a folder for files that players write
 */
async function setUp (t: Test, seconds: number) {
  const { music, cache, env } = await liveSite(t)
  const out = join(t.testdirName, 'out')
  mkdirSync(out)
  makeTrack(join(music, 'odd.flac'), { seconds })
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])

  /** Decodes all audio frames of the published file at once, without the trimming that its Info frame asks for. */
  async function decoded (quality: TranscodeQuality): Promise<Buffer> {
    await worker.logged(new RegExp(`Cached: odd.flac → ${quality}`)) // the last byte is sent before
    const bytes = readFileSync(join(cache, `odd_${quality}.mp3`))
    const file = join(out, `frames_${quality}.mp3`)
    writeFileSync(file, bytes.subarray(id3v2Size(bytes) + framePosition(0, quality), bytes.length - ID3V1_SIZE))
    return execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-f', 's16le', 'pipe:1'], { maxBuffer: 1 << 30 })
  }

  return { url, worker, out, decoded }
}

async function decodeWithFfmpeg (input: string): Promise<Buffer> {
  const options = ['-v', 'error', '-protocol_whitelist', 'file,http,tcp', '-i', input, '-f', 's16le', 'pipe:1']
  return (await run('ffmpeg', options, { encoding: 'buffer', maxBuffer: 1 << 30 })).stdout
}

t.test('ffmpeg and mpv play exactly the frames of the MP3, while it is made and afterwards', async t => {
  const { url, out, decoded } = await setUp(t, 200.123)
  const master = `${url}/hls/odd.flac.m3u8`
  const mpv = async (file: string) => {
    await run('mpv', [
      '--no-config', '--no-video', '--ao=pcm', `--ao-pcm-file=${join(out, file)}`, '--ao-pcm-waveheader=no', '--audio-format=s16',
      master
    ])
    return readFileSync(join(out, file))
  }
  const cold = { ffmpeg: await decodeWithFfmpeg(master), mpv: await mpv('cold') }
  // ffmpeg takes the first level that is listed, mpv the best.
  t.ok(cold.ffmpeg.equals(await decoded('medium')), 'ffmpeg, cold')
  t.ok(cold.mpv.equals(await decoded('high')), 'mpv, cold')
  t.ok((await decodeWithFfmpeg(master)).equals(cold.ffmpeg), 'ffmpeg, cached')
  t.ok((await mpv('cached')).equals(cold.mpv), 'mpv, cached')
  t.ok((await decodeWithFfmpeg(`${url}/hls/odd.flac/low.m3u8`)).equals(await decoded('low')), 'ffmpeg, low')
})

t.test('after a change of level no sample is missing, and all but the first frame are those of the new level', async t => {
  const { url, out, decoded } = await setUp(t, 30)
  const [low, high] = [await getPlaylist(url, '/hls/odd.flac/low.m3u8'), await getPlaylist(url, '/hls/odd.flac/high.m3u8')]
  for (const { paths } of [low, high]) for (const path of paths) await http(url, path)
  let line = 0
  const mixed = low.text.replaceAll(/^low.*$/gm, () => url + (line < 2 ? low : high).paths[line++])
  writeFileSync(join(out, 'mixed.m3u8'), mixed)
  const samples = await decodeWithFfmpeg(join(out, 'mixed.m3u8'))
  const joint = 2 * 245 * FRAME
  t.equal(samples.length, (await decoded('high')).length)
  t.ok(samples.subarray(0, joint).equals((await decoded('low')).subarray(0, joint)))
  // The first frame overlaps with the one before it.
  t.ok(samples.subarray(joint + FRAME).equals((await decoded('high')).subarray(joint + FRAME)))
})

t.test('a player goes on when the MP3 was made anew after it got the playlist', async t => {
  const { url, out, decoded } = await setUp(t, 20)
  const { text, paths } = await getPlaylist(url, '/hls/odd.flac/low.m3u8')
  let line = 0
  const earlier = text.replaceAll(/^low.*$/gm, () => url + paths[line++]?.replace(/\/\w+(?=\/\d+\.mp3)/, '/earlier'))
  writeFileSync(join(out, 'earlier.m3u8'), earlier)
  t.match(await http(url, new URL(/^http.*$/m.exec(earlier)?.[0] ?? '').pathname), { status: 307 })
  const samples = await decodeWithFfmpeg(join(out, 'earlier.m3u8'))
  t.ok(samples.equals(await decoded('low')))
})

declare const window: Window & { Hls: typeof Hls, hls: Hls, levels: number[], loaded: Promise<unknown> }

/**
 * Opens the track with hls.js in a Chromium.
 *
 * @param options.plan level of each segment, of which the last stays: 0 is low, 2 is high; without it, hls.js chooses
 * @param options.prepare runs before the track is opened
 * @returns the audio element; in the page, `hls` plays it, `levels` has the level of each segment, and `loaded`
 * resolves when all are loaded
 */
async function openWithHls (
  t: Test, url: string, { plan = [], prepare = async () => {} }: { plan?: number[], prepare?: (page: Page) => Promise<void> } = {}
) {
  const page = await openPage(t, url, { bypassCSP: true }) // hls.js is no part of the page
  await page.addScriptTag({ path: 'node_modules/hls.js/dist/hls.min.js' })
  await prepare(page)
  await page.evaluate(() => { document.body.append(Object.assign(document.createElement('audio'), { id: 'hls' })) })
  const audio = page.locator('audio#hls')
  await audio.evaluate(async (audio: HTMLAudioElement, plan) => {
    const { Hls } = window
    window.levels = []
    const hls = window.hls = new Hls({ maxBufferLength: 600 }) // in seconds: it loads the whole track
    window.loaded = new Promise(resolve => { hls.on(Hls.Events.BUFFERED_TO_END, resolve) })
    const follow = (level: number | undefined) => { if (level !== undefined) hls.loadLevel = level } // it stays then
    hls.on(Hls.Events.MANIFEST_PARSED, () => { follow(plan[0]) })
    hls.on(Hls.Events.FRAG_BUFFERED, (_event, { frag }) => {
      const segment = Number(frag.sn)
      window.levels[segment] = frag.level
      follow(plan[segment + 1])
    })
    hls.loadSource('/hls/odd.flac.m3u8')
    hls.attachMedia(audio)
    await new Promise((resolve, reject) => {
      audio.addEventListener('loadedmetadata', resolve)
      hls.on(Hls.Events.ERROR, (_event, { fatal, details }) => { if (fatal) reject(new Error(details)) })
    })
  }, plan)
  return audio
}

t.test('hls.js knows the length before the track is transcoded, and loads it without a gap', async t => {
  const { url, worker, decoded } = await setUp(t, 300.123)
  const audio = await openWithHls(t, url)
  t.notMatch(worker.lines.join('\n'), /Cached:/, 'the encoder still runs')
  const { duration, ranges, end } = await audio.evaluate(async (audio: HTMLAudioElement) => {
    const { duration } = audio
    await window.loaded
    const { buffered } = audio
    return { duration, ranges: buffered.length, end: buffered.end(buffered.length - 1) }
  })
  const quality = await audio.evaluate(() => window.hls.levels[window.hls.currentLevel]?.uri.match(/(\w+)\.m3u8$/)?.[1])
  const seconds = (await decoded(quality as TranscodeQuality)).length / 4 / 44100
  t.equal(ranges, 1)
  t.ok(Math.abs(duration - seconds) < 1e-5, `${duration} of ${seconds} s`)
  // Chromium counts a frame as 26,122 microseconds, and starts anew at each segment.
  t.ok(Math.abs(end - seconds) < 245e-6 / 2, `buffered to ${end} of ${seconds} s`)
})

t.test('hls.js changes the level in mid-track without a gap, and plays over the change', async t => {
  const { url } = await setUp(t, 40)
  const audio = await openWithHls(t, url, { plan: [0, 0, 0, 2] })
  const { levels, ranges, waits } = await audio.evaluate(async (audio: HTMLAudioElement) => {
    const { levels, loaded } = window
    await loaded
    const change = levels.indexOf(2) * 6.4
    audio.currentTime = change - 1
    await audio.play()
    let waits = 0
    audio.addEventListener('waiting', () => waits++)
    while (audio.currentTime < change + 1) await new Promise(resolve => { audio.addEventListener('timeupdate', resolve, { once: true }) })
    return { levels, ranges: audio.buffered.length, waits }
  })
  t.match(levels.join(' '), /^0 0 0 (0 )?2 [2 ]+$/)
  t.equal(ranges, 1)
  t.equal(waits, 0)
})

t.test('hls.js plays at low without a stall on a line of 160 kbit/s', async t => {
  const { url } = await setUp(t, 60)
  const prepare = async (page: Page) => {
    const cdp = await page.context().newCDPSession(page)
    await cdp.send('Network.enable')
    await cdp.send('Network.emulateNetworkConditions', {
      offline: false, latency: 50, downloadThroughput: 160_000 / 8, uploadThroughput: 160_000 / 8
    })
  }
  const audio = await openWithHls(t, url, { prepare })
  const { waits, level } = await audio.evaluate(async (audio: HTMLAudioElement) => {
    let waits = 0
    await audio.play()
    audio.addEventListener('waiting', () => waits++)
    while (audio.currentTime < 15) await new Promise(resolve => { audio.addEventListener('timeupdate', resolve, { once: true }) })
    const { hls } = window
    return { waits, level: hls.levels[hls.currentLevel]?.uri }
  })
  t.equal(waits, 0)
  t.match(level, /low\.m3u8$/)
})
