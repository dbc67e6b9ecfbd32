import { copyFileSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { t } from 'tap'
import { MaintenanceQueue } from '@mixtape/mixtapes'
import { namesIn } from './fixtures/cache-folder.ts'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { startStreaming, startWorker } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

t.test('files of an older profile are served until the nightly run has replaced them', async t => {
  const { music, cache, redis, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null })
  const maintenance = new MaintenanceQueue(connection)
  t.teardown(async () => {
    await maintenance.close()
    connection.disconnect()
  })
  copyFileSync(makeTrack(join(music, 'a.flac')), join(music, 'b.flac'))
  for (const name of ['a', 'b']) {
    await http(url, `/play/${name}.flac?quality=low`)
    await worker.logged(new RegExp(`Cached: ${name}.flac`))
  }
  const file = join(cache, 'a_low.mp3')
  const present = readFileSync(file, 'latin1')
  writeFileSync(file, present.replace('"profile":3', '"profile":2'), 'latin1')
  utimesSync(file, 1e9, 1e9)

  const outdated = await http(url, '/play/a.flac?quality=low')
  t.equal(outdated.headers['cache-status'], 'mixtape; hit')
  t.match(outdated.body.toString('latin1'), '"profile":2')

  worker.lines.length = 0
  await maintenance.run('nightly')
  await worker.logged(/"enqueued":1,.*Enqueued files that an older version made/)
  await worker.logged(/Cached: a.flac/)
  const replaced = await http(url, '/play/a.flac?quality=low')
  t.equal(replaced.headers['cache-status'], 'mixtape; hit')
  t.match(replaced.body.toString('latin1'), '"profile":3')
  t.not(replaced.headers.etag, outdated.headers.etag)
  t.ok(statSync(file).mtimeMs > 1e12, 'cached anew')
  t.same(namesIn(cache), ['a_low.mp3', 'b_low.mp3'])
  t.notMatch(worker.lines.join('\n'), /Cached: b.flac/, 'the other file is not touched')
})
