/// <reference lib="dom" /> -- for functions that run in the page
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { t, type Test } from 'tap'
import { build } from './fixtures/app.ts'
import { openPage, pageErrors } from './fixtures/browser.ts'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { testRedis } from './fixtures/redis.ts'
import { startStreaming, startWorker, until } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

t.test('an operator finds out why a track is not cached, mends it, and retries', async t => {
  const { music, env } = await liveSite(t)
  const options = { ...env, AUDIO_CACHE_ON_MISS: 'original' }
  const [streaming, worker] = await Promise.all([startStreaming(t, options), startWorker(t, options)])
  const get = async (path: string) => (await http(streaming.url, path)).json()
  const low = async (path: string) => (await get(`/admin/tracks/${path}`)).qualities.low

  await until(async () => (await get('/admin/workers')).workers?.length === 1)
  t.match(await get('/admin/workers'), {
    workers: [{ host: String, pid: worker.child.pid, version: /^\d/, concurrency: Number, alive: true, last_heard_of: /Z$/, running: [] }]
  })

  const intact = makeTrack(join(music, '../intact.flac'))
  writeFileSync(join(music, 'a.flac'), 'no audio at all')
  await http(streaming.url, '/play/a.flac?quality=low')
  await worker.logged(/low failed/)
  t.match(await low('a.flac'), { state: 'failed', why: /^The source cannot be transcoded since .*: .*No audio stream/ })
  t.match(await get('/admin/failed'), {
    jobs: [{ path: 'a.flac', quality: 'low', reason: 'miss', error: /No audio stream/ }],
    sources: [{ path: 'a.flac', error: /No audio stream/, since: /Z$/ }]
  })

  copyFileSync(intact, join(music, 'a.flac'))
  t.match((await http(streaming.url, '/admin/failed/retry?path=a.flac', { method: 'POST' })).json(), { retried: 1 })
  await worker.logged(/Cached: a.flac → low/)
  await until(async () => (await low('a.flac')).job === null) // the worker completes it after that line
  t.match(await low('a.flac'), {
    state: 'cached', cached: { path: 'a_low.mp3', made_from: { file: 'a.flac', version: /^\d+-\d+$/ }, last_played: null }, job: null
  })
  t.match(await get('/admin/failed'), { jobs: [], sources: [] })

  await worker.stop()
  t.match(await get('/admin/workers'), { workers: [] }, 'a worker that stops is not listed')
})

t.test('the page at /admin/: a failure, a full cache, a drained and a dead worker, Redis away and back', async t => {
  const { music, redis, env } = await liveSite(t)
  const options = { ...env, AUDIO_CACHE_ON_MISS: 'original', AUDIO_CACHE_MAX_SIZE: '100kB', ADMIN_TOKEN: 'secret', WORKER_CONCURRENCY: '1' }
  const [streaming, worker] = await Promise.all([startStreaming(t, options), startWorker(t, options)])
  const intact = makeTrack(join(music, '../intact.flac'), { seconds: 5 })
  writeFileSync(join(music, 'a.flac'), 'no audio at all')
  const page = await openPage(t, `${streaming.url}/admin/`)
  const errors = pageErrors(page)
  const says = async (selector: string, text: string | RegExp) => await page.locator(selector, { hasText: text }).first().waitFor()

  await page.fill('[name=token]', 'secret')
  await page.keyboard.press('Enter')
  await says('#health', 'All is well: 1 worker, nothing waits.')
  await says('#connection', 'Live')

  await http(streaming.url, '/play/a.flac?quality=low')
  await says('#failed li', /a\.flac.*No audio stream/)
  await says('#health', '1 track failed.')
  await page.locator('#charts .chart').first().waitFor()
  await axeFindsNothing(t, page)
  copyFileSync(intact, join(music, 'a.flac'))
  await page.click('button[aria-label="Retry: a.flac"]')
  await worker.logged(/Cached: a.flac → low/)
  await page.locator('#failed-none').waitFor()
  await says('#levels div:has-text("low")', '1 file')
  await says('#next', 'a_low.mp3')

  await page.click('text=Pause')
  await says('#health', 'The queue is paused')
  await page.click('text=Resume')
  await says('#health', 'All is well')

  await page.click('button:has-text("Drain")')
  await says('#workers .badge', 'drained')
  await page.click('button:has-text("Take jobs again")')
  await says('#workers .badge', 'ready')

  await http(streaming.url, '/play/a.flac?quality=low') // now it is protected
  await says('#listeners-now', '1')
  copyFileSync(intact, join(music, 'b.flac'))
  await page.fill('#precache [name=path]', 'b.flac')
  await page.selectOption('#precache [name=quality]', 'low')
  await page.click('text=Precache')
  await says('#announcement', 'A worker enqueues what b.flac lacks')
  await says('#health', 'The cache is full')
  await page.click('text=Count first')
  await says('#clear-result', 'Would clear 1 cached file.')
  await page.selectOption('#clear [name=quality]', 'high')
  t.ok(await page.isDisabled('#clear-now'), 'only what was counted is cleared')
  await page.click('text=Count first')
  await says('#clear-result', /Would clear .*high/)
  t.ok(await page.isDisabled('#clear-now'), 'nothing was counted')
  await page.selectOption('#clear [name=quality]', '')
  await page.click('text=Count first')
  await says('#clear-result', 'Would clear 1 cached file.')
  await page.click('#clear-now')
  await worker.logged(/Cached: b.flac → low/)
  await says('#health', 'All is well')

  await redis.stop()
  await says('#health', 'Redis does not answer')
  t.equal(await page.textContent('#listeners-now'), '–')
  await testRedis(t, { port: redis.port })
  await says('#health', 'All is well: 1 worker')

  await worker.stop('SIGKILL')
  await says('#health', 'tells nothing any more')
  await says('#health', 'No worker is there')
  await says('#workers .badge', 'gone')
  t.same(errors, [])

  await page.goto(`${streaming.url}/docs`)
  await page.locator('.opblock').first().waitFor()
  const { paths } = (await http(streaming.url, '/docs/json')).json()
  t.equal(await page.locator('.opblock').count(), Object.values<object>(paths).flatMap(operations => Object.keys(operations)).length)
})

t.test('the page at /admin/ shows nothing that was not read, and what it has read stays readable', async t => {
  const redis = await testRedis(t)
  const open = await build(t, { REDIS_URL: redis.url })
  const elsewhere = await openPage(t, `http://0.0.0.0:${new URL(open.url).port}/admin/`) // no loopback name
  await elsewhere.locator('#gate', { hasText: 'Without an ADMIN_TOKEN only http://127.0.0.1 and http://localhost lead to this' }).waitFor()
  t.notOk(await elsewhere.isVisible('#overview'))

  const { app, url } = await build(t, { REDIS_URL: redis.url, ADMIN_TOKEN: 'secret' })
  for (let wrong = 0; wrong < 20; wrong++) await http(url, '/admin/queue', { headers: { authorization: `Bearer ${wrong}` } })
  const page = await openPage(t, `${url}/admin/`)
  const enter = async (token: string) => {
    await page.fill('[name=token]', token)
    await page.keyboard.press('Enter')
  }
  await enter('wrong')
  await page.locator('#gate', { hasText: 'Too many wrong tokens from 127.0.0.1' }).waitFor()
  t.notOk(await page.isVisible('#overview'))
  await axeFindsNothing(t, page)

  await enter('secret')
  await page.locator('#charts .chart').first().waitFor()
  await app.close()
  await page.locator('#health', { hasText: 'What is shown is from before' }).waitFor()
  t.ok(await page.isVisible('#workers-none'))
  await axeFindsNothing(t, page)
})

t.test('the page at /admin/ names the covers that would be evicted next after what they show', async t => {
  const redis = await testRedis(t)
  const { url, cache } = await build(t, { REDIS_URL: redis.url })
  mkdirSync(join(cache, 'jazz'))
  writeFileSync(join(cache, 'jazz/cover.jpg_123-456_96.webp'), Buffer.alloc(2500))
  writeFileSync(join(cache, 'jazz/a_low.mp3'), Buffer.alloc(1_000_000))
  const page = await openPage(t, `${url}/admin/`)
  await page.locator('#next li').nth(1).waitFor()
  t.match((await page.locator('#next li').allTextContents()).sort(), [
    /^Cover of jazz\/cover\.jpg, 96 pixels ?3 kB, never played/, /^jazz\/a_low\.mp3 ?1\.0 MB, never played/
  ])
})

/** Checks a page on a phone and on a desk, light and dark. */
async function axeFindsNothing (t: Test, page: Page): Promise<void> {
  await page.evaluate(axe.source)
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [390, 1280]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 844 })
      const violations = await page.evaluate(async () => {
        const { violations } = await (window as any).axe.run()
        return violations.map(({ id, nodes }: any) => `${id}: ${nodes.map(({ html }: any) => html).join('\n')}`)
      })
      t.same(violations, [], `${colorScheme}, ${width} px`)
      t.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, 'nothing is wider than the screen')
    }
  }
}
