/// <reference lib="dom" /> -- for functions that run in the page
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { t, type Test } from 'tap'
import { openPage, pageErrors } from './fixtures/browser.ts'
import { compareWithSource, recordAudio } from './fixtures/heard.ts'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { startStreaming, startWorker } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

/** Longest silence and longest repetition that nobody hears, in milliseconds. */
const MAX_MS = 30

/** Plays the track from its start. */
async function play (page: Page, quality: string): Promise<void> {
  await page.selectOption('[name=quality]', quality)
  await page.click('.row-play:has-text("Noise")')
}

/** Waits until a quality is heard, and some tenths of a second longer. */
async function hears (page: Page, level: string): Promise<void> {
  await page.locator(`#serving:has-text("${level}")`).waitFor()
  await isBeyond(page, await place(page) + 0.5)
}

async function isBeyond (page: Page, seconds: number): Promise<void> {
  await page.waitForFunction(seconds => {
    const audio = document.querySelector<HTMLAudioElement>('audio[data-deck=current]')
    return audio && !audio.paused && audio.currentTime > seconds
  }, seconds)
}

async function place (page: Page): Promise<number> {
  return await page.$eval('audio[data-deck=current]', audio => (audio as HTMLAudioElement).currentTime)
}

async function setLine (page: Page, kbits: number): Promise<void> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Network.emulateNetworkConditions', {
    offline: false, latency: 50, downloadThroughput: kbits * 125, uploadThroughput: kbits * 125 // bytes per second
  })
}

/** Counts the places at which playing stops because nothing is buffered. @returns a function that returns them */
async function noteStalls (page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(() => {
    const stalls: number[] = []
    Object.assign(window, { stalls })
    const [audio] = document.querySelectorAll('audio')
    audio?.addEventListener('playing', () => {
      audio.addEventListener('waiting', () => { stalls.push(audio.currentTime) })
    }, { once: true })
  })
  return async () => await page.evaluate(() => (window as unknown as { stalls: number[] }).stalls)
}

t.test('changes of quality', async t => {
  const { music, env } = await liveSite(t)
  const file = makeTrack(join(music, 'a.flac'), { seconds: 50, tags: { title: 'Noise' } })
  makeTrack(join(music, 'b.flac'), { seconds: 1 }) // would take the line away if it was loaded too early
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  for (const quality of ['low', 'medium', 'high']) {
    await http(url, `/play/a.flac?quality=${quality}`)
    await worker.logged(new RegExp(`Cached: a.flac → ${quality}`))
  }
  // The test adds an AudioWorklet.
  const open = async (t: Test) => await openPage(t, url, { bypassCSP: true })

  await t.test('nobody hears one', async t => {
    const page = await open(t)
    const errors = pageErrors(page)
    const recorded = await recordAudio(page)
    await play(page, 'low')
    await hears(page, 'Low')
    for (const quality of ['High', 'Medium', 'Low']) {
      await page.selectOption('[name=quality]', quality.toLowerCase())
      await hears(page, quality)
    }
    const { silence, leaps } = compareWithSource(await recorded(), file)
    t.ok(silence < MAX_MS, `${silence.toFixed(2)} ms of silence`)
    t.ok(leaps.every(leap => Math.abs(leap) < MAX_MS), `leaps of ${leaps.join(', ') || 'no'} ms`)
    t.same(errors, [])
  })

  await t.test('auto: a line of 160 kbit/s plays at low without a stall', async t => {
    const page = await open(t)
    const stalls = await noteStalls(page)
    await setLine(page, 160)
    await play(page, 'auto')
    await hears(page, 'Low')
    await isBeyond(page, 10)
    t.match(await page.textContent('#serving'), /Low/)
    t.same(await stalls(), [])
  })

  await t.test('auto: a line of 1 Mbit/s is at high within 30 s', async t => {
    const page = await open(t)
    const stalls = await noteStalls(page)
    await setLine(page, 1000)
    await play(page, 'auto')
    await hears(page, 'High')
    t.ok(await place(page) < 30)
    t.same(await stalls(), [])
  })

  await t.test('auto: who saves data gets low, on a fast line too', async t => {
    const page = await open(t)
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('Emulation.setDataSaverOverride', { dataSaverEnabled: true })
    await page.reload()
    const qualities: (string | null)[] = []
    page.on('request', request => {
      if (request.url().includes('/play/')) qualities.push(new URL(request.url()).searchParams.get('quality'))
    })
    await play(page, 'auto')
    await isBeyond(page, 5) // without it, all would be fetched at high by now
    t.same([...new Set(qualities)], ['low'])
  })

  await t.test('without Media Source Extensions, another audio element goes on at the same place', async t => {
    const page = await open(t)
    await page.addInitScript(() => { Reflect.deleteProperty(window, 'MediaSource') })
    await page.reload()
    const recorded = await recordAudio(page)
    await play(page, 'auto')
    await hears(page, 'Medium')
    await page.selectOption('[name=quality]', 'low')
    await hears(page, 'Low')
    const { silence, leaps } = compareWithSource(await recorded(), file)
    t.comment(`${silence.toFixed(2)} ms of silence, leaps of ${leaps.join(', ')} ms`)
    t.ok(silence < 200 && leaps.every(leap => Math.abs(leap) < 200))
  })
})
