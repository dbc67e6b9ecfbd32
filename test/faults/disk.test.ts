import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { smallDisk } from '../fixtures/disk.ts'
import { http, problemsOf } from '../fixtures/http.ts'
import { liveSite } from '../fixtures/live-site.ts'
import { startStreaming, startWorker, until } from '../fixtures/services.ts'
import { decodedSamples, makeTrack } from '../fixtures/tracks.ts'

// A disk that is full: test/bounds.test.ts, test/live.test.ts, test/seek.test.ts.

t.test('without a cache folder that can be written, originals are played, and all goes on when it is back', async t => {
  const { music, env } = await liveSite(t)
  const disk = smallDisk(t, '64m')
  const cache = join(disk, 'cache') // missing at the start
  const diskEnv = { ...env, AUDIO_CACHE_DIR: cache, AUDIO_CACHE_ON_MISS: 'original', LOG_LEVEL: 'debug' }
  const [{ url }, worker] = await Promise.all([startStreaming(t, diskEnv), startWorker(t, diskEnv)])
  const originals = new Map<string, Buffer>()
  const addTrack = (name: string) => { originals.set(name, readFileSync(makeTrack(join(music, `${name}.flac`)))) }

  /** Checks what listeners get while a fault lasts, and waits until health tells it. */
  const checkPlayed = async (fault: string) => {
    addTrack(fault)
    for (const [name, original] of originals) t.ok((await http(url, `/play/${name}.flac`)).body.equals(original), `${fault}: ${name}`)
    const miss = await http(url, `/play/${fault}.flac?quality=low`)
    t.match(miss, { status: 200, headers: { 'cache-status': /^mixtape; fwd=miss/ } }, fault)
    t.ok(miss.body.equals(originals.get(fault) as Buffer), fault)
    await until(async () => 'cache_unwritable' in await problemsOf(url))
  }
  const becomesHit = async (name: string) => {
    const path = `/play/${name}.flac?quality=low`
    await until(async () => (await http(url, path)).headers['cache-status'] === 'mixtape; hit')
    t.equal(decodedSamples(join(cache, `${name}_low.mp3`)), 2 * 44100, name)
    await worker.logged(new RegExp(`Cached: ${name}.flac → low`))
    t.notOk('cache_unwritable' in await problemsOf(url))
  }

  addTrack('missing')
  await becomesHit('missing')

  rmSync(cache, { recursive: true })
  addTrack('removed')
  await becomesHit('removed') // the worker makes it again

  rmSync(cache, { recursive: true })
  writeFileSync(cache, 'a file')
  await checkPlayed('replaced')
  rmSync(cache)
  mkdirSync(cache)
  await becomesHit('replaced')

  execFileSync('mount', ['-o', 'remount,ro', disk])
  await checkPlayed('readonly')
  t.equal((await http(url, '/play/replaced.flac?quality=low')).headers['cache-status'], 'mixtape; hit', 'what is cached is played')
  execFileSync('mount', ['-o', 'remount,rw', disk])
  await becomesHit('readonly')
})
