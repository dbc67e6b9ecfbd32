/// <reference lib="dom" /> -- for functions that run in the page
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { t, type Test } from 'tap'
import { openPage, pageErrors } from './fixtures/browser.ts'
import { plays } from './fixtures/heard.ts'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { startStreaming, startWorker } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

/** Starts a streaming service with an album of tracks named 1, 2, 3 …; without a worker, so that all are originals. */
async function originals (t: Test, { tracks = 3, seconds = 20 } = {}) {
  const { music, cache, env } = await liveSite(t)
  const site = { ...await startStreaming(t, { ...env, AUDIO_CACHE_ON_MISS: 'original' }), music, cache, env }
  for (let i = 1; i <= tracks; i++) makeTrack(join(music, `${i}.flac`), { seconds, tags: { title: `Track ${i}`, track: `${i}` } })
  return site
}

const place = async (page: Page) => await page.$eval('audio[data-deck=current]', audio => (audio as HTMLAudioElement).currentTime)

const pausedCount = async (page: Page) => await page.$$eval('audio', audios => audios.filter(audio => (audio as HTMLAudioElement).paused).length)

t.test('another quality goes on at the same place, and the player says what is heard', async t => {
  const { music, cache, env } = await liveSite(t)
  makeTrack(join(music, 'a.flac'), { seconds: 40, tags: { title: 'Long' } })
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  await http(url, '/play/a.flac?quality=low')
  await worker.logged(/Cached: a.flac → low/)
  const page = await openPage(t, url)
  const errors = pageErrors(page)
  const serving = async () => await page.locator('#serving:not(:empty)').textContent()
  await page.selectOption('[name=quality]', 'original')
  await page.click('.row-play:has-text("Long")')
  await plays(page, 'Long', 'original')
  t.match(await serving(), /^original Original · FLAC \d+ kbit\/s$/)
  await page.$eval('#seek', seek => {
    (seek as HTMLInputElement).value = '500'
    seek.dispatchEvent(new Event('change'))
  })
  await page.waitForFunction(() => Number(document.querySelector<HTMLAudioElement>('audio[data-deck=current]')?.currentTime) > 20.2)
  const before = await place(page)
  const since = Date.now()
  await page.selectOption('[name=quality]', 'low')
  await plays(page, 'Long', 'low')
  const moved = await place(page) - before
  const passed = (Date.now() - since) / 1000
  t.ok(Math.abs(moved - passed) < 0.5, `went on ${moved.toFixed(2)} s in ${passed.toFixed(2)} s`)
  await page.locator('#serving:has-text("128 kbit/s")').waitFor()
  t.equal(await serving(), 'hit Low · MP3 128 kbit/s')
  t.equal(await pausedCount(page), 1, 'only one is heard')
  t.equal(await page.evaluate(() => localStorage.getItem('audioQuality')), 'low')

  await page.selectOption('[name=quality]', 'high')
  await plays(page, 'Long', 'high')
  t.match(await serving(), /^(live|hit) High · MP3 256 kbit\/s$/)
  const saved = (statSync(join(music, 'a.flac')).size - statSync(join(cache, 'a_low.mp3')).size) / 1e6
  t.match(await page.textContent('#saved'), /^1\.3 MB .* · \d+\.\d MB saved$/)
  const shown = Number(/([\d.]+) MB saved/.exec(await page.textContent('#saved') ?? '')?.[1])
  t.ok(shown > 0.05 && shown < saved * 2, `${shown} MB saved, and ${saved} MB for a whole track at low`)
  t.same(errors, [])
})

t.test('the keyboard plays, seeks, and goes to the next and the previous track', async t => {
  const { url } = await originals(t)
  const page = await openPage(t, url)
  await page.click('.row-play:has-text("Track 1")')
  await plays(page, 'Track 1')
  const before = await place(page)
  await page.keyboard.press('ArrowRight')
  const after = await place(page)
  t.ok(after - before >= 4.9 && after - before < 8, `${before} → ${after}`)
  await page.keyboard.press('ArrowLeft')
  t.ok(await place(page) < after - 3)
  await page.keyboard.press(' ')
  t.equal(await pausedCount(page), 2)
  await page.keyboard.press(' ')
  await page.keyboard.press('j')
  await plays(page, 'Track 2')
  await page.keyboard.press(' ')
  t.equal(await pausedCount(page), 2)
  t.equal(await page.textContent('#now-title'), 'Track 2', 'Space does not press the row again that was clicked before')
  await page.click('#seek')
  await page.keyboard.press(' ')
  await plays(page, 'Track 2')
  await page.keyboard.press(' ')
  t.equal(await pausedCount(page), 2, 'Space works on the seek bar too')
  await page.keyboard.press('k') // more than three seconds in: to the start of the track
  await page.keyboard.press('k')
  await plays(page, 'Track 1')
  await page.focus('#filter')
  await page.keyboard.type('j k')
  await plays(page, 'Track 1')
  t.equal(await page.inputValue('#filter'), 'j k', 'keys in the filter are text')
})

t.test('the queue: shuffle, repeat, add, remove, and jump', async t => {
  const { url } = await originals(t, { tracks: 4, seconds: 5 })
  const page = await openPage(t, url)
  const queue = async () => await page.locator('.row-title').allTextContents()
  await page.click('.row-play:has-text("Track 2")')
  await plays(page, 'Track 2')
  await page.click('.row:has-text("Track 1") .row-action')
  t.equal(await page.textContent('#announcement'), 'Track 1 was added to the queue')
  await page.click('#to-queue')
  await page.locator('h1:text-is("Queue")').waitFor()
  t.same(await queue(), ['Track 1', 'Track 2', 'Track 3', 'Track 4', 'Track 1'])
  t.equal(await page.locator('.row.is-current .row-action').count(), 0, 'what plays cannot be removed')
  const focus = async () => await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent)
  await page.click('[aria-label="Remove Track 3 from the queue"]')
  t.same(await queue(), ['Track 1', 'Track 2', 'Track 4', 'Track 1'])
  t.equal(await focus(), 'Remove Track 4 from the queue')
  await page.click('#shuffle')
  t.equal((await queue())[0], 'Track 2', 'what plays goes on')
  t.same((await queue()).sort(), ['Track 1', 'Track 1', 'Track 2', 'Track 4'])
  await page.click('#shuffle')
  t.same(await queue(), ['Track 1', 'Track 2', 'Track 4', 'Track 1'])
  await page.locator('.row-play').nth(3).click()
  await plays(page, 'Track 1')
  t.equal(await page.locator('.row.is-current').getAttribute('aria-posinset'), '4')
  await page.click('#repeat')
  await page.click('#next')
  await plays(page, 'Track 1')
  t.equal(await page.locator('.row.is-current').getAttribute('aria-posinset'), '1', 'from the last to the first')
  await page.click('#repeat')
  t.equal(await page.getAttribute('#repeat', 'aria-label'), 'Repeat: this track')
  await page.waitForFunction(() => Number(document.querySelector<HTMLAudioElement>('audio[data-deck=current]')?.currentTime) > 4)
  await page.waitForFunction(() => Number(document.querySelector<HTMLAudioElement>('audio[data-deck=current]')?.currentTime) < 2)
  await plays(page, 'Track 1')
  await page.locator('.row-action').last().click()
  t.same(await queue(), ['Track 1', 'Track 2', 'Track 4'])
  t.equal(await focus(), 'Remove Track 4 from the queue', 'the last row leaves the focus to the one before')
})

t.test('after a reload the queue, the place and the volume are back', async t => {
  const { url } = await originals(t)
  const page = await openPage(t, url)
  await page.click('.row-play:has-text("Track 2")')
  await plays(page, 'Track 2')
  for (let i = 0; i < 2; i++) await page.keyboard.press('ArrowRight')
  await page.$eval('#volume', volume => {
    (volume as HTMLInputElement).value = '40'
    volume.dispatchEvent(new Event('input'))
  })
  const before = await place(page)
  t.ok(before > 10)
  await page.reload()
  await page.waitForFunction(() => Number(document.querySelector<HTMLAudioElement>('audio[data-deck=current]')?.currentTime) > 10)
  t.equal(await page.textContent('#now-title'), 'Track 2')
  t.ok(Math.abs(await place(page) - before) < 1.5)
  t.equal(await page.$eval('audio[data-deck=current]', audio => (audio as HTMLAudioElement).volume), 0.4)
  t.equal(await pausedCount(page), 2, 'it waits for the listener')
  await page.click('#play')
  await plays(page, 'Track 2')
  await page.click('#next')
  await plays(page, 'Track 3')
})

t.test('the lock screen shows the track, and its buttons work', async t => {
  const { url } = await originals(t)
  const page = await openPage(t, url)
  await page.click('.row-play:has-text("Track 1")')
  await plays(page, 'Track 1')
  const shown = await page.evaluate(() => {
    const { metadata, playbackState } = navigator.mediaSession
    return { title: metadata?.title, artwork: new URL(metadata?.artwork[0]?.src ?? '').pathname, playbackState }
  })
  t.same(shown, { title: 'Track 1', artwork: '/cover/1.flac', playbackState: 'playing' })
  await page.click('#play')
  await page.evaluate(() => { // nothing reads the place again that the browser was told
    navigator.mediaSession.setPositionState = state => { document.body.dataset.told = `${state?.position} of ${state?.duration}` }
    const seek = document.querySelector('#seek') as HTMLInputElement
    seek.value = '500'
    seek.dispatchEvent(new Event('change'))
  })
  await page.locator('[data-told="10 of 20"]').waitFor()
  t.pass('a seek is told while paused too')
})

t.test('a track that cannot be played is named, and the next one plays', async t => {
  const { url, music } = await originals(t, { tracks: 2, seconds: 5 })
  writeFileSync(join(music, '1b.flac'), 'no audio')
  const page = await openPage(t, url)
  await page.click('.row-play:has-text("Track 1")')
  await plays(page, 'Track 1')
  await page.click('.row-play:has-text("1b.flac")')
  await plays(page, 'Track 2')
  t.match(await page.textContent('#problem'), /^1b\.flac cannot be played: /)
  await page.click('[aria-label="Close this message"]')
  t.equal(await page.textContent('#problem'), '')
  t.equal(await page.evaluate(() => document.activeElement?.id), 'play')
  await page.click('.row-play:has-text("1b.flac")')
  await plays(page, 'Track 2')
  await page.locator('#problem:has-text("1b.flac cannot be played")').waitFor()
  await page.locator('#problem:empty').waitFor({ state: 'attached' }) // by itself
  await page.click('.row-play:has-text("1b.flac")')
  await plays(page, 'Track 2')
  t.match(await page.textContent('#problem'), /^1b\.flac/)
  await page.click('.row-play:has-text("Track 1")')
  await plays(page, 'Track 1')
  t.equal(await page.textContent('#problem'), '', 'a choice of the listener closes it')
})

t.test('while the server is away the player says so, and goes on by itself', async t => {
  const { url } = await originals(t, { tracks: 1, seconds: 5 })
  const page = await openPage(t, url)
  await page.locator('.row-play:has-text("Track 1")').waitFor()
  await page.context().setOffline(true)
  await page.click('.row-play:has-text("Track 1")')
  const waits = page.locator('#problem:has-text("Track 1 waits: the server does not answer. Trying again.")')
  await waits.waitFor()
  await page.click('#play')
  t.equal(await page.getAttribute('#play', 'aria-label'), 'Play')
  t.equal(await page.textContent('#problem'), '', 'after a pause it does not try again')
  await page.click('#play')
  await waits.waitFor()
  await page.context().setOffline(false)
  await plays(page, 'Track 1')
  t.equal(await page.textContent('#problem'), '')
})
