import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
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
  t.match(await low('a.flac'), {
    state: 'cached', cached: { path: 'a_low.mp3', made_from: { file: 'a.flac', version: /^\d+-\d+$/ }, last_played: null }, job: null
  })
  t.match(await get('/admin/failed'), { jobs: [], sources: [] })

  await worker.stop()
  t.match(await get('/admin/workers'), { workers: [] }, 'a worker that stops is not listed')
})
