/// <reference lib="dom" /> -- for functions that run in the page
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { Page, Response } from 'playwright-core'
import { t } from 'tap'
import { freePort } from '../scripts/free-port.js'
import { openPage, pageErrors } from './fixtures/browser.ts'
import { http } from './fixtures/http.ts'
import { jpeg } from './fixtures/pictures.ts'
import { liveSite } from './fixtures/live-site.ts'
import { startStreaming, startWorker, until } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** @returns what the page gets for a URL: status, Content-Range, Cache-Status, and the SHA-256 of the bytes */
async function fetchInPage (page: Page, url: string, headers: Record<string, string> = {}) {
  return await page.evaluate(async ([url, headers]) => {
    const response = await fetch(url, { headers })
    const hash = await crypto.subtle.digest('SHA-256', await response.arrayBuffer())
    const hex = [...new Uint8Array(hash)].map(byte => byte.toString(16).padStart(2, '0')).join('')
    return { status: response.status, range: response.headers.get('content-range'), cache: response.headers.get('cache-status'), hex }
  }, [url, headers] as const)
}

/** Saves a mixtape, when the service has found Redis. */
async function save (url: string, slug: string, paths: string[]): Promise<void> {
  const body = { title: 'Summer', tracks: paths.map(path => ({ file_path: path })) }
  await until(async () => (await http(url, `/mixtapes/${slug}`, { method: 'PUT', body })).status === 202)
}

async function keep (page: Page, quality: string): Promise<void> {
  await page.click('.pill:has-text("Keep offline")')
  await page.selectOption('.keep select', quality)
  await page.click('.pill:has-text("Keep on this device")')
}

const isKept = async (page: Page) => { await page.locator('.keep .is-kept:has-text("On this device")').waitFor() }

t.test('a kept mixtape opens, plays and seeks with the network off', async t => {
  const { music, env } = await liveSite(t)
  for (const title of ['Ebb', 'Salt']) makeTrack(join(music, `${title}.flac`), { seconds: 40, tags: { title } })
  makeTrack(join(music, 'As it is.mp3'), { seconds: 3 })
  writeFileSync(join(music, 'cover.jpg'), await jpeg('#3050c0'))
  const server = await startStreaming(t, { ...env, AUDIO_CACHE_ON_MISS: 'original' })
  const { url } = server
  await save(url, 'summer', ['Ebb.flac', 'Salt.flac', 'As it is.mp3'])
  const page = await openPage(t, `${url}/mixtape/summer`)
  const errors = pageErrors(page)
  await keep(page, 'low')
  await page.locator('.keep p:has-text("The server still makes 2 of 3 tracks.")').waitFor()
  await startWorker(t, env)
  await isKept(page)
  const other = await page.context().newPage()
  await other.goto(`${url}/mixtape/summer`)
  await other.selectOption('.top [name=quality]', 'low')
  await other.click('.row-play:has-text("Ebb")')
  await other.locator('#serving:has-text("kept")').waitFor() // also with the network on
  await other.close()
  const original = await http(url, '/play/Ebb.flac?quality=low')
  await page.evaluate(async () => { // as it is after an update of the server that brings one file and drops another
    const files = await caches.open('page')
    await files.delete('/app/format.js')
    await files.put('/app/dropped.js', new Response())
  })
  await page.reload()
  await until(async () => await page.evaluate(async () => await caches.match('/app/format.js') !== undefined && await caches.match('/app/dropped.js') === undefined))
  await server.stop('SIGKILL')

  await page.reload()
  await page.locator('.row-title:text-is("Ebb")').waitFor()
  t.same(await page.locator('.row-title').allTextContents(), ['Ebb', 'Salt', 'As it is.mp3'])
  await page.locator('.hero .cover.is-loaded').waitFor()
  await page.selectOption('.top [name=quality]', 'low')
  await page.click('.row-play:has-text("Ebb")')
  const reached = async (seconds: number) => await page.waitForFunction(seconds => {
    const audio = document.querySelector<HTMLAudioElement>('audio[data-deck=current]')
    return audio && !audio.paused && audio.currentTime > seconds
  }, seconds)
  await reached(0.3)
  await page.$eval('#seek', seek => {
    (seek as HTMLInputElement).value = '800'
    seek.dispatchEvent(new Event('change'))
  })
  await reached(32.3)
  t.match(await page.textContent('#serving'), /^kept Low · MP3 /)
  await page.click('#next')
  await page.locator('#now-title:text-is("Salt")').waitFor()
  await reached(0.3)

  const path = '/play/Ebb.flac?quality=low'
  const cache = 'mixtape-offline; hit; detail=low'
  const { length } = original.body
  t.same(await fetchInPage(page, path), { status: 200, range: null, cache, hex: sha256(original.body) })
  for (const [range, first, last] of [['bytes=0-', 0, length - 1], ['bytes=1000-1999', 1000, 1999], ['bytes=-128', length - 128, length - 1]] as const) {
    t.same(await fetchInPage(page, path, { range }), {
      status: 206, range: `bytes ${first}-${last}/${length}`, cache, hex: sha256(original.body.subarray(first, last + 1))
    }, range)
  }
  t.match(await fetchInPage(page, path, { range: `bytes=${length}-` }), { status: 416, range: `bytes */${length}` })
  t.match(await fetchInPage(page, path, { range: 'bytes=0-0', 'if-range': '"other"' }), { status: 200 })
  t.match(await fetchInPage(page, '/play/Ebb.flac?quality=high'), { status: 200, cache }, 'another quality is better than none')
  t.match(await fetchInPage(page, '/play/As%20it%20is.mp3?quality=low'), { hex: sha256(readFileSync(join(music, 'As it is.mp3'))) })

  const proxy = createServer((request, response) => { response.writeHead(502).end() }).listen(Number(new URL(url).port), '127.0.0.1')
  await once(proxy, 'listening')
  await page.reload()
  await page.locator('.row-title:text-is("Ebb")').waitFor()
  t.match(await fetchInPage(page, '/play/Ebb.flac?quality=high'), { status: 200, cache }, 'so with a proxy whose server is away')
  proxy.closeAllConnections()
  proxy.close()

  await page.goto(url)
  await page.click('.kept-links a:has-text("Summer")')
  await page.click('[aria-label="Remove from this device"]')
  await page.locator('.pill:has-text("Keep offline")').waitFor()
  await page.reload()
  await page.locator('[role=alert]:has-text("The server does not answer.")').waitFor()
  t.equal(await page.locator('.kept-links').count(), 0)
  t.same(errors, [])
})

t.test('after a broken line and a pause it goes on where it stopped; what was replaced is fetched anew, and what was deleted can be removed', async t => {
  const { music, env } = await liveSite(t)
  const files = ['a.wav', 'b.wav'].map(name => makeTrack(join(music, name), { seconds: 40 }))
  const PORT = `${await freePort('127.0.0.1', 0)}`
  const server = await startStreaming(t, { ...env, PORT })
  const { url } = server
  await save(url, 'summer', ['a.wav', 'b.wav'])
  const page = await openPage(t, `${url}/mixtape/summer`)
  const responses: Response[] = []
  page.on('response', response => { if (response.url().includes('/play/')) responses.push(response) })
  const last = async () => {
    const response = responses.at(-1) as Response
    return { status: response.status(), headers: await response.request().allHeaders() }
  }
  const line = await page.context().newCDPSession(page)
  const bytesPerSecond = async (downloadThroughput: number) => await line.send('Network.emulateNetworkConditions', {
    offline: false, latency: 0, downloadThroughput, uploadThroughput: -1
  })
  const megabytes = async () => Number(await page.locator('.keep p').textContent().then(text => text?.match(/, ([\d.]+) MB/)?.[1]))

  const etag = (await http(url, '/play/a.wav')).headers.etag
  await bytesPerSecond(1_000_000)
  await keep(page, 'original')
  await until(async () => await megabytes() > 1.5)
  await server.stop('SIGKILL')
  await page.locator('.keep p:has-text("The server does not answer. It goes on by itself.")').waitFor()
  const before = await megabytes()
  await startStreaming(t, { ...env, PORT })
  await until(async () => await megabytes() > before)
  const resumed = await last()
  t.match(resumed, { status: 206, headers: { 'if-range': etag } })
  t.ok(Math.abs(Number(resumed.headers.range?.match(/^bytes=(\d+)-$/)?.[1]) / 1e6 - before) < 0.06, `${resumed.headers.range} after ${before} MB`)

  await page.click('.pill:has-text("Pause")')
  await page.locator('.keep p:has-text("Paused:")').waitFor()
  const requests = responses.length
  await page.reload()
  await page.locator('.keep p:has-text("Paused:")').waitFor()
  t.equal(responses.length, requests, 'a pause outlasts a reload')
  await bytesPerSecond(-1)
  await page.click('.pill:has-text("Go on")')
  await isKept(page)
  for (const [index, file] of files.entries()) {
    t.match(await fetchInPage(page, `/play/${['a', 'b'][index]}.wav`), { hex: sha256(readFileSync(file)), cache: 'mixtape-offline; hit; detail=original' })
  }

  responses.length = 0
  makeTrack(files[0] as string, { seconds: 10 })
  await page.reload()
  await until(async () => responses.length >= 2)
  await isKept(page)
  t.same(responses.map(response => `${new URL(response.url()).pathname} ${response.status()}`), ['/play/a.wav 200', '/play/b.wav 304'])
  t.match(await fetchInPage(page, '/play/a.wav'), { hex: sha256(readFileSync(files[0] as string)) })

  await http(url, '/mixtapes/summer', { method: 'DELETE' })
  await page.reload()
  await page.locator('h1:text-is("There is no such mixtape")').waitFor()
  await page.click('.pill:has-text("Remove from this device")')
  await page.locator('.notice:has-text("It was removed from this device.")').waitFor()
  t.notMatch((await fetchInPage(page, '/play/a.wav')).cache, /mixtape-offline/, 'its tracks are gone from the device')
})

t.test('the page can be installed', async t => {
  const { env } = await liveSite(t)
  const { url } = await startStreaming(t, env)
  const page = await openPage(t, url)
  const { errors, data } = await (await page.context().newCDPSession(page)).send('Page.getAppManifest')
  t.same(errors, [])
  const manifest = JSON.parse(data as string)
  t.match(manifest, { name: 'Mixtape audio', start_url: '/', display: 'standalone' })
  for (const { src, type } of manifest.icons) t.match((await http(url, src)).headers, { 'content-type': type }, src)
  t.match(await http(url, '/app/offline/service-worker.js'), {
    headers: { 'service-worker-allowed': '/', 'content-security-policy': /worker-src 'self';manifest-src 'self'/ }
  })
})
