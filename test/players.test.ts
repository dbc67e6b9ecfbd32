/// <reference lib="dom" /> -- for functions that run in the page
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { t, type Test } from 'tap'
import { openPage } from './fixtures/browser.ts'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { startStreaming, startWorker, until } from './fixtures/services.ts'
import { decodedSamples, ffprobe, makeTrack } from './fixtures/tracks.ts'

const run = promisify(execFile)

/** A length that is no multiple of a second, a frame or a player's buffer. */
const ODD = { seconds: 12.34567, samples: 544_444 }

/**
 * Starts both services with an empty cache. A miss is answered with its transcode.
 *
 * @returns their parts that tests use; `out` is a folder for files that players write
 */
async function setUp (t: Test) {
  const { music, cache, env } = await liveSite(t)
  const out = join(t.testdirName, 'out')
  mkdirSync(out)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  return {
    url,
    worker,
    cache,
    out,
    track: (name: string, seconds: number) => makeTrack(join(music, name), { seconds })
  }
}

t.test('Chromium knows the length at once, seeks ahead of the encoder, and plays on after the publish', async t => {
  const { url, worker, track } = await setUp(t)
  track('long.flac', 300)
  const page = await openPage(t, url)
  const audio = page.locator('audio[data-deck=current]')
  const observed = await audio.evaluateHandle((audio: HTMLAudioElement) => {
    const durations: number[] = []
    audio.addEventListener('durationchange', () => durations.push(audio.duration))
    const metadata = new Promise<{ duration: number, seekable: number }>((resolve, reject) => {
      audio.addEventListener('loadedmetadata', () => resolve({ duration: audio.duration, seekable: audio.seekable.end(0) }))
      audio.addEventListener('error', () => reject(new Error(audio.error?.message)))
    })
    return { durations, metadata }
  })
  /** Seeks, and waits for half a second of playback. @returns whether it plays, and how many seconds beyond the target */
  const playFrom = async (share: number) => await audio.evaluate(async (audio: HTMLAudioElement, share) => {
    const event = async (type: string) => await new Promise((resolve, reject) => {
      audio.addEventListener(type, resolve, { once: true })
      audio.addEventListener('error', () => reject(new Error(audio.error?.message)), { once: true })
    })
    const target = audio.duration * share
    audio.currentTime = target
    await event('seeked')
    while (audio.currentTime < target + 0.5) await event('timeupdate')
    const { paused, ended, currentTime } = audio
    return { playing: !paused && !ended, beyond: currentTime - target }
  }, share)

  await page.selectOption('[name=quality]', 'medium')
  await page.click('.row-play:has-text("long.flac")')
  const { duration, seekable } = await observed.evaluate(async ({ metadata }) => await metadata)
  t.notMatch(worker.lines.join('\n'), /Cached:/, 'the encoder still runs')
  t.ok(Math.abs(duration - 300) < 0.05, `${duration} s`)
  t.equal(seekable, duration)
  t.equal(await page.textContent('#serving'), 'live Medium · MP3 192 kbit/s')
  t.match(await page.textContent('#saved'), /^7\.2 MB transcoded while you listen/)

  const ahead = await playFrom(0.8)
  t.ok(ahead.playing && ahead.beyond < 5, `${ahead.beyond} s beyond`)
  await worker.logged(/Cached: long.flac/)
  const back = await playFrom(0.2)
  t.ok(back.playing && back.beyond < 5, `${back.beyond} s beyond`)
  const durations = await observed.evaluate(({ durations }) => durations) // Chromium may tell the same one again after a seek
  t.same([...new Set(durations)], [duration], 'the duration never changes')
  t.equal(await audio.evaluate((audio: HTMLAudioElement) => audio.error), null)
})

t.test('Chromium decodes exactly the samples of the source', async t => {
  const { url, worker, cache, track } = await setUp(t)
  track('short.flac', 10.5)
  const page = await openPage(t, url)
  const decode = async () => await page.evaluate(async () => {
    const response = await fetch('/play/short.flac?quality=medium')
    // The sample rate of the MP3, so that Chromium does not resample.
    const context = new OfflineAudioContext(2, 1, 44100)
    const { length, sampleRate } = await context.decodeAudioData(await response.arrayBuffer())
    return { status: response.headers.get('cache-status'), length, sampleRate }
  })
  const whole = { length: 10.5 * 44100, sampleRate: 44100 }
  t.same(await decode(), { status: 'mixtape; fwd=miss; stored; detail=live', ...whole })
  await worker.logged(/Cached: short.flac/)
  t.same(await decode(), { status: 'mixtape; hit', ...whole })
  t.equal(decodedSamples(join(cache, 'short_medium.mp3')), whole.length)
})

t.test('ffprobe and ffmpeg open a track of ten minutes before it is transcoded', async t => {
  const { url, worker, track } = await setUp(t)
  track('long.flac', 600)
  const address = `${url}/play/long.flac?quality=high`
  const { duration } = await ffprobe(address)
  const { stdout } = await run('ffmpeg', [
    '-v', 'error', '-ss', '5', '-t', '1', '-i', address, '-f', 's16le', '-ac', '2', 'pipe:1'
  ], { encoding: 'buffer', maxBuffer: 1 << 20 })
  t.notMatch(worker.lines.join('\n'), /Cached:/, 'the encoder still runs')
  // libavformat may count whole frames. They include the delay and the padding, which its decoder removes.
  t.ok(Math.abs(duration - 600) < 0.05, `${duration} s`)
  t.equal(stdout.length / 4, 44100)
})

t.test('mpv plays to the end, from the start and from the middle', async t => {
  const { url, out, track } = await setUp(t)
  track('odd.flac', ODD.seconds)
  const play = async (quality: string, ...options: string[]) => {
    const file = join(out, quality)
    await run('mpv', [
      '--no-config', '--no-video', '--ao=pcm', `--ao-pcm-file=${file}`, '--ao-pcm-waveheader=no', '--audio-format=s16',
      ...options, `${url}/play/odd.flac?quality=${quality}`
    ])
    return statSync(file).size / 4
  }
  t.equal(await play('medium'), ODD.samples)
  const half = await play('low', '--start=50%')
  t.ok(Math.abs(half - ODD.samples / 2) < 2 * 1152, `${half} samples, at most two frames from the middle`)
})

t.test('curl resumes an interrupted download', async t => {
  const { url, worker, cache, out, track } = await setUp(t)
  track('long.flac', 300)
  const download = (quality: string, ...options: string[]) =>
    ['-sSf', ...options, '-o', join(out, quality), `${url}/play/long.flac?quality=${quality}`]

  await run('curl', download('high', '-r', '0-99999'))

  const killed = spawn('curl', download('medium', '--limit-rate', '500k'), { stdio: 'ignore' })
  await until(() => (statSync(join(out, 'medium'), { throwIfNoEntry: false })?.size ?? 0) > 0)
  killed.kill('SIGKILL')
  await once(killed, 'exit')

  t.notMatch(worker.lines.join('\n'), /Cached:/, 'the encoders still run')
  for (const quality of ['high', 'medium']) {
    const sizeBefore = statSync(join(out, quality)).size
    await run('curl', download(quality, '-C', '-'))
    await worker.logged(new RegExp(`Cached: long.flac → ${quality}`))
    const file = readFileSync(join(cache, `long_${quality}.mp3`))
    t.ok(sizeBefore < file.length, `${sizeBefore} of ${file.length} bytes`)
    t.ok(readFileSync(join(out, quality)).equals(file))
  }
})

t.test('ffmpeg and mpg123 decode exactly the samples of the source, sox decodes whole frames', async t => {
  const { url, out, track } = await setUp(t)
  const source = track('odd.flac', ODD.seconds)
  const samples = async (file: string) => Number((await run('soxi', ['-s', file])).stdout)
  t.equal(await samples(source), ODD.samples)
  const [mp3, wav] = [join(out, 'odd.mp3'), join(out, 'odd.wav')]
  writeFileSync(mp3, (await http(url, '/play/odd.flac?quality=medium')).body)
  t.equal(decodedSamples(mp3), ODD.samples)
  await run('mpg123', ['-q', '-w', wav, mp3])
  t.equal(await samples(wav), ODD.samples)
  await run('mpg123', ['-q', '-w', wav, `${url}/play/odd.flac?quality=low`])
  t.equal(await samples(wav), ODD.samples, 'over HTTP')
  // sox ignores Info frames. It decodes this one, the delay and the padding as silence.
  await run('sox', [mp3, wav])
  t.equal(await samples(wav), (1 + 1 + Math.ceil(ODD.samples / 1152)) * 1152)
})
