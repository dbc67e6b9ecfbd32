/// <reference lib="dom" /> -- for functions that run in the page
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { t, type Test } from 'tap'
import { build } from './fixtures/app.ts'
import { axeViolations, openPage, pageErrors } from './fixtures/browser.ts'
import { http } from './fixtures/http.ts'
import { jpeg } from './fixtures/pictures.ts'
import { testRedis } from './fixtures/redis.ts'
import { startWorker, until } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

const headers = { authorization: 'Bearer secret' }

/** Starts the app with an album of three tracks and one more, which only the admin may look through. */
async function site (t: Test) {
  const { url: REDIS_URL } = await testRedis(t)
  const app = await build(t, { REDIS_URL, ADMIN_TOKEN: 'secret' })
  for (const [index, title] of ['Ebb', 'Salt', 'Gulls'].entries()) {
    makeTrack(join(app.music, `Tide/${index + 1}.flac`), { tags: { title, artist: 'Ann', album: 'Tide', track: `${index + 1}` } })
  }
  makeTrack(join(app.music, 'x/100% "späte" Nacht.flac'), { tags: { title: 'Night' } })
  for (const folder of ['Tide', 'x']) writeFileSync(join(app.music, folder, 'cover.jpg'), await jpeg('#3050c0'))
  await until(async () => (await http(app.url, '/mixtapes', { headers })).status === 200)
  return { ...app, env: { MUSIC_ROOT: app.music, AUDIO_CACHE_DIR: app.cache, AUDIO_CACHE_MIN_FREE: '1B', REDIS_URL } }
}

/** Opens a page as the admin. */
async function openAsAdmin (t: Test, url: string): Promise<Page> {
  const page = await openPage(t, url)
  await page.evaluate(() => { localStorage.setItem('adminToken', 'secret') })
  await page.reload()
  return page
}

const titles = async (page: Page) => await page.locator('.row-title').allTextContents()

t.test('a mixtape is gathered, ordered and saved; a friend sees it fill up, and hears it', async t => {
  const { url, env } = await site(t)
  const page = await openAsAdmin(t, `${url}/browse/Tide`)
  const errors = pageErrors(page)
  await page.click('.pill:has-text("Add to mixtape")')
  await page.locator('#announcement.is-shown:has-text("3 tracks added to the mixtape")').waitFor()
  await page.goto(`${url}/browse/x`)
  await page.click('.row:has-text("Night") .is-tape')
  t.equal(await page.getAttribute('#to-mixtapes', 'aria-label'), 'Your mixtape: 4 tracks')
  await page.click('#to-mixtapes')
  await page.locator('.handle').nth(3).focus()
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('ArrowUp')
  t.equal(await page.textContent('#announcement'), 'Night is number 2 of 4')
  t.same(await titles(page), ['Ebb', 'Night', 'Salt', 'Gulls'])
  const [last, first] = await Promise.all([3, 0].map(async index => await page.locator('.handle').nth(index).boundingBox()))
  await page.mouse.move((last?.x ?? 0) + 10, (last?.y ?? 0) + 10)
  await page.mouse.down()
  await page.mouse.move((first?.x ?? 0) + 10, (first?.y ?? 0)) // so quickly that the pointer is over no row in between
  await page.mouse.up()
  t.same(await titles(page), ['Gulls', 'Ebb', 'Night', 'Salt'], 'dragged from the last place to the first')
  await page.click('[aria-label="Remove Salt from the mixtape"]')
  await page.reload()
  t.same(await titles(page), ['Gulls', 'Ebb', 'Night'], 'remembered')
  await page.click('.pill:has-text("Save")')
  await page.locator('.edit-problem:has-text("Please give it a title.")').waitFor()
  await page.fill('[name=title]', 'Über <b>alles</b>')
  await page.dblclick('.pill:has-text("Save")')
  await page.locator('h1:text-is("Über <b>alles</b>")').waitFor()
  t.equal((await http(url, '/mixtapes', { headers })).json().mixtapes.length, 1, 'a double click saves one mixtape')
  t.match(new URL(page.url()).pathname, /^\/mixtape\/uber-b-alles-b-[a-z0-9]{6}$/)
  t.equal(await page.getAttribute('#to-mixtapes', 'aria-label'), 'Mixtapes', 'nothing is left to be saved')

  const friend = await openPage(t, page.url()) // without the token, as somebody who was sent a link
  const friendErrors = pageErrors(friend)
  await friend.locator('.row').nth(2).waitFor()
  t.same(await titles(friend), ['Gulls', 'Ebb', 'Night'])
  await friend.locator('.readiness:has-text("0 of 3 ready at Medium")').waitFor()
  await startWorker(t, env)
  await friend.locator('.readiness:has-text("Ready at Medium")').waitFor()
  await until(async () => await friend.locator('.ready-level.is-ready').count() === 9)
  await friend.locator('.hero .cover.is-loaded').waitFor()
  t.equal(await friend.locator('.row .cover.is-loaded').count(), 3, 'covers need no token')
  t.equal(await friend.locator('.pill:has-text("Edit")').count(), 0)
  await friend.click('.pill:has-text("Play")')
  await friend.waitForFunction(() => document.querySelector('#now-title')?.textContent === 'Night' &&
    Number(document.querySelector<HTMLAudioElement>('audio[data-deck=current]')?.currentTime) > 0.3)
  t.pass('played from the first to the last')
  await friend.goto(`${url}/queue`)
  await friend.click('#now-title')
  await friend.locator('h1:text-is("Über <b>alles</b>")').waitFor()
  t.pass('the title of a track leads back to the mixtape: its folder is only for the admin')

  const startNew = async () => {
    await page.click('.pill:has-text("All mixtapes")')
    await page.click('.pill:has-text("New mixtape")')
  }
  const saved = page.url()
  await page.click('.pill:has-text("Edit")')
  await startNew()
  await page.locator('h1:text-is("New mixtape")').waitFor()
  t.same(await titles(page), [], 'an edit that changed nothing does not go on as a new mixtape')
  await page.goto(saved)
  await page.click('.pill:has-text("Edit")')
  await page.click('[aria-label="Remove Night from the mixtape"]')
  await startNew()
  await page.locator('dialog:has-text("is not saved. Make a new mixtape instead?")').waitFor()
  await page.click('dialog .pill:has-text("Discard and make")')
  await page.locator('h1:text-is("New mixtape")').waitFor()
  t.same(await titles(page), [])

  await page.goto(saved)
  await page.click('.pill:has-text("Edit")')
  t.same(await titles(page), ['Gulls', 'Ebb', 'Night'])
  await page.click('.pill:has-text("Delete")')
  await page.click('dialog .pill:has-text("Cancel")')
  await page.click('.pill:has-text("Delete")')
  await page.click('dialog .pill:has-text("Delete")')
  await page.locator('h1:text-is("No mixtapes yet")').waitFor()
  await friend.reload()
  await friend.locator('h1:text-is("There is no such mixtape")').waitFor()
  t.same([...errors, ...friendErrors], [])
})

t.test('a playlist is exported and imported, and lines that name no track are said', async t => {
  const { url } = await site(t)
  const paths = ['x/100% "späte" Nacht.flac', 'Tide/2.flac', 'Tide/2.flac']
  const saved = await http(url, '/mixtapes/night', { method: 'PUT', headers, body: { title: 'Nacht', tracks: paths.map(path => ({ path })) } })
  t.equal(saved.status, 202)
  const page = await openAsAdmin(t, `${url}/mixtape/night`)
  const current = async () => {
    await page.locator('.row.is-playing').waitFor()
    return await page.locator('.row.is-current').evaluateAll(rows => rows.map(row => row.getAttribute('aria-posinset')))
  }
  await page.locator('.row-play').nth(2).click()
  t.same(await current(), ['3'], 'of a track that is there twice, the row that was chosen plays')
  await page.locator('.row-play').nth(1).click()
  t.same(await current(), ['2'])
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('a:has-text("Export")')])
  t.equal(download.suggestedFilename(), 'night.m3u8')
  const exported = readFileSync(await download.path(), 'utf8')
  t.ok(exported.includes(`${url}/play/Tide/2.flac?quality=medium`))

  await page.goto(`${url}/edit`)
  const text = `${exported}gone/a.flac\r\n.\\Tide\\3.flac\r\nhttp://elsewhere.example/radio\nTide\n`
  await page.setInputFiles('input[type=file]', { name: 'night.m3u8', mimeType: 'audio/x-mpegurl', buffer: Buffer.from(text) })
  await page.locator('.edit-problem:has-text("3 lines of night.m3u8 name no track of this library:")').waitFor()
  t.same(await page.locator('.edit-problem li').allTextContents(), ['line 9: gone/a.flac', 'line 11: http://elsewhere.example/radio', 'line 12: Tide'])
  t.equal(await page.inputValue('[name=title]'), 'Nacht')
  t.same(await titles(page), ['Night', 'Salt', 'Salt', 'Gulls'])
  const latin1 = Buffer.from('x/100% "späte" Nacht.flac', 'latin1')
  await page.setInputFiles('input[type=file]', { name: 'old.m3u', mimeType: 'audio/x-mpegurl', buffer: latin1 })
  await page.locator('.row').nth(4).waitFor()
  t.equal((await titles(page))[4], 'Night')
  t.equal(await page.textContent('.edit-problem'), '')
})

t.test('who has no token is asked for it, and what was gathered stays', async t => {
  const { url } = await site(t)
  const page = await openAsAdmin(t, `${url}/browse/Tide`)
  await page.click('.row:has-text("Salt") .is-tape')
  await page.evaluate(() => { localStorage.removeItem('adminToken') })
  await page.goto(`${url}/edit`)
  await page.fill('[name=title]', 'Mine')
  await page.click('.pill:has-text("Save")')
  await page.locator('#token-help:has-text("Only the admin of this server may make and change mixtapes.")').waitFor()
  await page.fill('[name=token]', 'secret')
  await page.keyboard.press('Enter')
  await page.click('.pill:has-text("Save")')
  await page.locator('h1:text-is("Mine")').waitFor()
})

t.test('axe finds nothing', async t => {
  const { url } = await site(t)
  await http(url, '/mixtapes/night', { method: 'PUT', headers, body: { title: 'Nacht', tracks: [{ path: 'Tide/2.flac' }, { path: 'gone.mp3' }] } })
  for (const width of [390, 1280]) {
    const options = { viewport: { width, height: 844 }, reducedMotion: 'reduce', bypassCSP: true } as const
    const page = await openPage(t, `${url}/mixtape/night`, options)
    const check = async (what: string) => { t.same(await axeViolations(page), [], `${what}, ${width} px`) }
    await page.evaluate(() => { localStorage.setItem('adminToken', 'secret') })
    await page.reload()
    await page.locator('.row .cover.is-loaded').first().waitFor()
    await check('mixtape')
    await page.click('.pill:has-text("Keep offline")')
    await check('offer to keep it')
    await page.selectOption('.keep select', 'original')
    await page.click('.pill:has-text("Keep on this device")')
    await page.locator('.keep .is-kept:has-text("On this device")').waitFor()
    await check('kept mixtape')
    await page.click('.pill:has-text("Edit")')
    await page.locator('.handle').first().waitFor()
    await check('editor')
    await page.click('.pill:has-text("Delete")')
    await check('question')
    await page.keyboard.press('Escape')
    await page.goto(`${url}/mixtape`)
    await page.locator('.card .cover.is-loaded').waitFor()
    await check('list')
    await page.goto(`${url}/mixtape/unknown`)
    await page.locator('h1:text-is("There is no such mixtape")').waitFor()
    await check('unknown')
  }
})
