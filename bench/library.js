import { execFileSync } from 'node:child_process'
import { copyFileSync, linkSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { STREAMING } from '../scripts/services.js'
import { createSite, median } from './services.js'

const ROUNDS = 5
const TRACKS = 100_000
const FOLDER_TRACKS = 1000

/** Of a phone of the middle class. */
const CPU_SLOWDOWN = 4

/**
 * Measures pages of a library of 100,000 tracks, and the first paint of the player. Cold is the first request after the
 * service has started. What the operating system remembers of the disk is warm in both.
 *
 * @returns tables for the report; times are medians in ms
 */
export async function benchLibrary () {
  const site = await createSite()
  makeLibrary(site.music)
  const env = await site.env()
  const rows = [
    { what: 'first page of 100 tracks', paths: ['/library/0?limit=100'] },
    { what: 'all 1,000 tracks, in two pages', paths: ['/library/0?limit=500', '/library/0?limit=500&offset=500'] },
    { what: 'filter of all 100,000 tracks, first page', paths: ['/library?filter=track%2077&limit=100'] }
  ].map(row => ({ ...row, cold: [], warm: [] }))
  let url = ''
  for (let round = 0; round < ROUNDS; round++) {
    for (const { paths, cold, warm } of rows) {
      const { child, match } = await site.run(STREAMING.command, STREAMING.ready, env)
      url = match[1]
      for (const times of [cold, warm]) times.push(await timeOf(paths.map(path => `${url}${path}`)))
      child.kill()
    }
  }
  const { match } = await site.run(STREAMING.command, STREAMING.ready, env)
  const paints = await firstPaints(match[1])
  await site.stop()
  return {
    'library of 100,000 tracks': rows.map(({ what, cold, warm }) => ({ what, cold: Math.round(median(cold)), warm: Math.round(median(warm)) })),
    [`page at / with the CPU slowed down by ${CPU_SLOWDOWN}`]: paints
  }
}

/**
 * Only the first folder has files of its own: of the others, nothing but the names is read, so each has one file, with a link for
 * each track. ext4 allows 65,000 links to a file.
 */
function makeLibrary (music) {
  const source = join(music, 'source.flac')
  execFileSync('ffmpeg', [
    '-v', 'error', '-f', 'lavfi', '-i', 'anoisesrc=d=0.1:r=44100', '-metadata', 'title=Title', '-metadata', 'artist=Artist', '-metadata', 'album=Album', source
  ])
  for (let track = 0; track < TRACKS; track++) {
    const folder = join(music, `${Math.floor(track / FOLDER_TRACKS)}`)
    if (track % FOLDER_TRACKS === 0) mkdirSync(folder)
    const file = join(folder, `Track ${track}.flac`)
    if (track < FOLDER_TRACKS || track % FOLDER_TRACKS === 0) copyFileSync(source, file)
    else linkSync(join(folder, `Track ${track - track % FOLDER_TRACKS}.flac`), file)
  }
}

async function timeOf (urls) {
  const startedAt = performance.now()
  for (const url of urls) {
    const response = await fetch(url)
    if (!response.ok) throw new Error(`${url}: ${response.status}`)
    await response.arrayBuffer()
  }
  return performance.now() - startedAt
}

/** Opens the page in new and in known browsers. */
async function firstPaints (url) {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
  const rows = ['first visit', 'with the browser\'s cache'].map(what => ({ what, 'first paint': [], 'folders shown': [] }))
  for (let round = 0; round < ROUNDS; round++) {
    const page = await (await browser.newContext()).newPage()
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: CPU_SLOWDOWN })
    await page.addInitScript(noteFolders)
    for (const row of rows) {
      await page.goto(url)
      await page.locator('.card').first().waitFor()
      const { paint, shown } = await page.evaluate(() => ({
        paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN, shown: window.foldersAt
      }))
      row['first paint'].push(paint)
      row['folders shown'].push(shown)
    }
    await page.context().close()
  }
  await browser.close()
  return rows.map(row => ({ ...row, 'first paint': Math.round(median(row['first paint'])), 'folders shown': Math.round(median(row['folders shown'])) }))
}

/** Runs in the page: notes the time at which the first folder is in the document. */
function noteFolders () {
  new window.MutationObserver((_, observer) => {
    if (!document.querySelector('.card')) return
    window.foldersAt = performance.now()
    observer.disconnect()
  }).observe(document, { childList: true, subtree: true })
}
