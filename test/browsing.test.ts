/// <reference lib="dom" /> -- for functions that run in the page
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { t, type Test } from 'tap'
import { build } from './fixtures/app.ts'
import { axeViolations, openPage, pageErrors } from './fixtures/browser.ts'
import { http } from './fixtures/http.ts'
import { jpeg } from './fixtures/pictures.ts'
import { makeTrack } from './fixtures/tracks.ts'

/** Makes a library with an album of two tracks, and a folder without music. */
async function library (t: Test, env: Record<string, string> = {}) {
  const site = await build(t, env)
  const album = join(site.music, 'Ann/Blue')
  makeTrack(join(album, 'b.flac'), { tags: { title: 'First', artist: 'Ann', album: 'Blue Hour', track: '1' } })
  makeTrack(join(album, 'a.mp3'), { tags: { title: 'Second', artist: 'Ann', album: 'Blue Hour', track: '2' } })
  writeFileSync(join(album, 'cover.jpg'), await jpeg('#3050c0'))
  mkdirSync(join(site.music, 'Silence'))
  return { ...site, album }
}

const titles = async (page: Page) => await page.locator('.row-title').allTextContents()

/** Waits until the page has a heading. */
async function heading (page: Page, text: string): Promise<void> {
  await page.locator('h1', { hasText: text }).waitFor()
}

t.test('folders, albums, back, forward and reload', async t => {
  const { url } = await library(t)
  const page = await openPage(t, url)
  const errors = pageErrors(page)
  t.same(await page.locator('.card').allTextContents(), ['AAnn', 'SSilence'], 'the first letter stands for a cover')
  await page.click('.card:has-text("Ann")')
  await page.click('.card:has-text("Blue")')
  await heading(page, 'Blue Hour')
  await page.locator('#main:focus').waitFor()
  t.equal(await page.textContent('#shown'), 'Blue Hour, 2 tracks · 0:04', 'screen readers are told, and go on there')
  t.equal(new URL(page.url()).pathname, '/browse/Ann/Blue')
  t.same(await titles(page), ['First', 'Second'], 'in the order of the album')
  t.equal(await page.textContent('.hero-facts'), '2 tracks · 0:04')
  await page.locator('.hero .cover.is-loaded').waitFor()
  t.same(await page.locator('.ready').allInnerTexts().then(texts => texts.map(text => text.replaceAll('\n', ''))), [
    'No quality is ready: the original is played firstHML', 'as is'
  ])

  await page.goBack()
  await page.locator('.card:has-text("Blue")').waitFor()
  await page.goForward()
  await heading(page, 'Blue Hour')
  await page.reload()
  await heading(page, 'Blue Hour')
  await page.click('#crumbs a:has-text("Ann")')
  await page.locator('.card:has-text("Blue")').waitFor()
  await page.goto(`${url}/browse/Silence`)
  await heading(page, 'Nothing to play here')
  await page.goto(`${url}/browse/Gone`)
  await heading(page, 'There is no such folder')
  t.equal(await page.title(), 'There is no such folder · Mixtape audio')
  await page.goto(`${url}/browse/Ann/Blue/b.flac`)
  await heading(page, 'Blue Hour')
  t.equal(new URL(page.url()).pathname, '/browse/Ann/Blue', 'a track leads to its folder')
  t.equal(await page.title(), 'Blue Hour · Mixtape audio')
  await page.click('.brand')
  await page.locator('.card:has-text("Silence")').waitFor()
  await page.locator('#main:focus').waitFor()
  t.same(errors, [])
})

t.test('the filter has a URL, and finds titles', async t => {
  const { url } = await library(t)
  const page = await openPage(t, `${url}/browse/Ann/Blue`)
  await heading(page, 'Blue Hour')
  await page.fill('#filter', 'sec')
  await page.locator('.row-title:text-is("First")').waitFor({ state: 'detached' })
  t.same(await titles(page), ['Second'])
  t.match(await page.textContent('#shown'), /1 track/)
  t.equal(await page.evaluate(() => document.activeElement?.id), 'filter')
  t.equal(new URL(page.url()).search, '?filter=sec')
  await page.reload()
  await page.locator('.row').waitFor()
  t.same(await titles(page), ['Second'])
  t.equal(await page.inputValue('#filter'), 'sec')
  await page.click('#crumbs a:has-text("Ann")')
  await page.locator('.card:has-text("Blue")').waitFor()
  await page.focus('#filter')
  await page.goBack()
  await page.locator('.row').waitFor()
  t.equal(await page.inputValue('#filter'), 'sec', 'the filter is that of the place, also where it has the focus')
  await page.fill('#filter', 'nothing like it')
  await heading(page, 'Nothing matches')
})

t.test('5,000 tracks: few rows exist, each place is reached, and back returns to it', async t => {
  const { url, music } = await build(t)
  for (let i = 1; i <= 5000; i++) writeFileSync(join(music, `${i}.mp3`), 'x')
  mkdirSync(join(music, 'empty'))
  const page = await openPage(t, url)
  await page.locator('.row-title:text-is("1.mp3")').waitFor()
  t.ok(await page.locator('.row').count() < 60)
  await page.evaluate(() => { window.scrollTo(0, document.body.scrollHeight) })
  await page.locator('.row-title:text-is("5000.mp3")').waitFor()
  t.ok(await page.locator('.row').count() < 60)
  t.equal(await page.locator('.row:has-text("5000.mp3")').getAttribute('aria-posinset'), '5000')

  const top = await page.evaluate(() => window.scrollY)
  await page.click('.brand')
  await page.locator('.row-title:text-is("1.mp3")').waitFor()
  await page.goBack()
  await page.locator('.row-title:text-is("5000.mp3")').waitFor()
  t.equal(await page.evaluate(() => window.scrollY), top)

  await page.locator('.row-play:has-text("4990.mp3")').focus()
  for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowDown')
  t.match(await page.evaluate(() => document.activeElement?.textContent), /4993\.mp3/)
})

t.test('Play works where the first page of a folder has no track', async t => {
  const { url, music } = await build(t)
  for (let i = 1; i <= 101; i++) mkdirSync(join(music, `folder ${i}`))
  makeTrack(join(music, 'a.flac'), { tags: { title: 'Last' } })
  const page = await openPage(t, url)
  await page.click('.pill:has-text("Play")')
  await page.locator('#now-title:text-is("Last")').waitFor()
  await page.locator('#play[aria-label=Pause]').waitFor()
  t.equal(await page.textContent('#problem'), '')
})

t.test('the token is typed once, sent as a header, and never part of a URL', async t => {
  const { url } = await library(t, { ADMIN_TOKEN: 'secret' })
  const page = await openPage(t, url)
  const urls: string[] = []
  page.on('request', request => urls.push(request.url()))
  await heading(page, 'Whose music is this?')
  await page.fill('[name=token]', 'wrong')
  await page.keyboard.press('Enter')
  await page.locator('[role=alert]:has-text("does not accept this token")').waitFor()
  await page.fill('[name=token]', 'secret')
  await page.click('.token button')
  await page.click('.card:has-text("Ann")')
  await page.locator('.card .cover.is-loaded').waitFor()
  t.match(await page.getAttribute('.card img', 'src'), /^blob:/, 'fetched with the token')
  await page.reload()
  await page.locator('.card:has-text("Blue")').waitFor()
  t.notOk(urls.some(url => url.includes('secret')))
})

t.test('what fails is said in words, and works again by itself', async t => {
  const { url, music } = await library(t)
  const page = await openPage(t, url)
  await page.locator('.card').first().waitFor()
  await page.context().setOffline(true)
  await page.click('.card:has-text("Ann")')
  await page.locator('[role=alert]:has-text("The server does not answer.")').waitFor()
  await page.context().setOffline(false)
  await page.locator('.card:has-text("Blue")').waitFor()
  rmSync(join(music, 'Ann'), { recursive: true })
  await page.click('.card:has-text("Blue")')
  await heading(page, 'There is no such folder')
})

t.test('a link that can be of no mixtape is not tried again', async t => {
  const { url } = await build(t)
  const page = await openPage(t, url)
  await page.clock.install()
  const asked: string[] = []
  page.on('request', request => { if (request.url().endsWith('/tracks')) asked.push(request.url()) })
  await page.goto(`${url}/mixtape/link%20and%20more`)
  await heading(page, 'There is no such mixtape')
  await page.clock.runFor(10_000)
  t.same(asked, [`${url}/mixtapes/link%20and%20more/tracks`])
})

t.test('the page may load nothing from elsewhere, and be framed nowhere', async t => {
  const { url } = await build(t)
  for (const path of ['/', '/browse/any/where', '/queue', '/style.css', '/app/main.js']) {
    const { status, headers } = await http(url, path)
    t.equal(status, 200, path)
    t.match(headers['content-security-policy'], /^default-src 'none';script-src 'self';style-src 'self';.*frame-ancestors 'none'$/, path)
    t.match(headers, { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' }, path)
  }
})

t.test('on a phone the player fills the screen, until Back, Escape, or a link', async t => {
  const { url } = await library(t)
  const page = await openPage(t, url, { viewport: { width: 390, height: 844 } })
  await page.click('.card:has-text("Ann")')
  await page.click('.card:has-text("Blue")')
  await page.click('.row-play:has-text("First")')
  const isSmall = async () => { await page.locator('#expand[aria-expanded=false]:focus').waitFor() }
  const expand = async () => {
    await page.click('#expand')
    await page.locator('#collapse:focus').waitFor()
  }
  await expand()
  await page.goBack()
  await isSmall()
  t.equal(new URL(page.url()).pathname, '/browse/Ann/Blue', 'Back only makes it small')
  await expand()
  await page.keyboard.press('Escape')
  await isSmall()
  await expand()
  await page.click('#collapse')
  await isSmall()
  await expand()
  await page.click('#to-queue')
  await heading(page, 'Queue')
  await page.locator('#expand[aria-expanded=false]').waitFor()
  await page.goBack()
  await heading(page, 'Blue Hour')
  await page.goBack()
  await page.locator('.card:has-text("Blue")').waitFor()
  await page.setViewportSize({ width: 1280, height: 844 })
  await page.locator('#expand').focus()
  t.not(await page.evaluate(() => document.activeElement?.id), 'expand', 'on a wide screen it does nothing, and cannot be reached')
})

for (const width of [390, 1280]) {
  t.test(`axe finds nothing, light and dark, ${width} px`, async t => {
    const { url } = await library(t)
    const page = await openPage(t, url, { viewport: { width, height: 844 }, reducedMotion: 'reduce', bypassCSP: true })
    await page.locator('.card').first().waitFor()
    const check = async (what: string) => { t.same(await axeViolations(page), [], what) }
    await check('folders')
    await page.goto(`${url}/browse/Ann/Blue`)
    await page.click('.row-play:has-text("First")')
    await page.locator('#serving .badge').waitFor({ state: 'attached' }) // hidden on a phone
    await check('album and player')
    if (width === 390) {
      await page.click('#expand')
      await check('large player')
      await page.click('#collapse')
    }
    await page.goto(`${url}/queue`)
    await heading(page, 'Queue')
    await check('queue')
    await page.goto(`${url}/browse/Gone`)
    await heading(page, 'There is no such folder')
    await check('notice')
  })
}
