/// <reference lib="dom" /> -- for functions that run in the page
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { t } from 'tap'
import { openPage } from './fixtures/browser.ts'
import { plays } from './fixtures/heard.ts'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { startStreaming, startWorker } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

/** Longest silence between two tracks that nobody hears, in milliseconds. */
const MAX_GAP_MS = 50

/**
 * Records when each audio element is heard, with Web Audio.
 *
 * @returns a function that returns the spans of sound, in milliseconds and in the order of their starts
 */
async function recordSound (page: Page): Promise<() => Promise<[number, number][]>> {
  await page.evaluate(async () => {
    const processor = `registerProcessor('spans', class extends AudioWorkletProcessor {
      spans = []
      constructor () {
        super()
        this.port.onmessage = () => this.port.postMessage(this.spans)
      }

      process ([[samples = []]]) {
        samples.forEach((sample, i) => {
          if (Math.abs(sample) < 1e-3) return
          const now = (currentFrame + i) / sampleRate * 1000
          const last = this.spans.at(-1)
          if (last && now - last[1] < 30) last[1] = now
          else this.spans.push([now, now])
        })
        return true
      }
    })`
    const context = new AudioContext()
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([processor], { type: 'text/javascript' })))
    const recorders = [...document.querySelectorAll('audio')].map(audio => {
      const recorder = new AudioWorkletNode(context, 'spans')
      context.createMediaElementSource(audio).connect(recorder).connect(context.destination)
      return recorder
    })
    await context.resume()
    Object.assign(window, { recorders })
  })
  return async () => await page.evaluate(async () => {
    const { recorders } = window as unknown as { recorders: AudioWorkletNode[] }
    const spans = await Promise.all(recorders.map(async ({ port }) => await new Promise<[number, number][]>(resolve => {
      port.onmessage = ({ data }) => resolve(data)
      port.postMessage(0)
    })))
    return spans.flat().sort(([a], [b]) => a - b)
  })
}

t.test('an album plays on without a gap', async t => {
  const { music, env } = await liveSite(t)
  for (let i = 1; i <= 4; i++) makeTrack(join(music, `${i}.flac`), { seconds: 3.2, tags: { title: `Track ${i}`, track: `${i}` } })
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  const page = await openPage(t, url, { bypassCSP: true }) // the test adds an AudioWorklet
  for (const quality of ['original', 'medium']) {
    if (quality === 'medium') {
      for (let i = 1; i <= 4; i++) await http(url, `/play/${i}.flac?quality=medium`)
      for (let i = 1; i <= 4; i++) await worker.logged(new RegExp(`Cached: ${i}\\.flac → medium`))
    }
    await page.goto(url)
    await page.selectOption('[name=quality]', quality)
    const spans = await recordSound(page)
    await page.click('.row-play:has-text("Track 1")')
    await plays(page, 'Track 4', quality)
    await page.waitForFunction(() => document.querySelector('#play')?.getAttribute('aria-label') === 'Play')
    const heard = await spans()
    t.equal(heard.length, 4, 'each track is heard once, without a break')
    for (const [start, end] of heard) t.ok(Math.abs(end - start - 3200) < 30, `${quality}: ${Math.round(end - start)} ms of 3200 are heard`)
    heard.slice(1).forEach(([start], i) => {
      const gap = start - (heard[i]?.[1] ?? 0)
      t.comment(`${quality}: gap of ${gap.toFixed(1)} ms`)
      t.ok(Math.abs(gap) < MAX_GAP_MS, `a gap of ${gap.toFixed(1)} ms`)
    })
  }
})
