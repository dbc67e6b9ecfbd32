import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { t, type Test } from 'tap'
import { partsIn } from '../fixtures/cache-folder.ts'
import { http } from '../fixtures/http.ts'
import { liveSite } from '../fixtures/live-site.ts'
import { embedPicture, jpeg } from '../fixtures/pictures.ts'
import { queueFixture } from '../fixtures/queue.ts'
import { signalEncoders, startStreaming, startWorker, until } from '../fixtures/services.ts'
import { decodedSamples, makeTrack } from '../fixtures/tracks.ts'

// A source that is damaged while listeners wait: test/live.test.ts. One that changes its format: services/worker/test/processor.test.ts.

async function setUp (t: Test) {
  const { redis, env: live } = await liveSite(t)
  const env = { ...live, AUDIO_CACHE_ON_MISS: 'original', AUDIO_CACHE_PRECACHE_QUALITIES: 'low' }
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  const music = (name: string) => join(env.MUSIC_ROOT, name)
  const cached = (name: string) => join(env.AUDIO_CACHE_DIR, `${name.replace(/\.\w+$/, '')}_low.mp3`)
  const parts = () => partsIn(env.AUDIO_CACHE_DIR)
  /** Whether the original comes byte for byte. */
  const isServed = async (name: string) => (await http(url, `/play/${name}`)).body.equals(readFileSync(music(name)))
  return { url, worker, music, cached, parts, isServed, ...queueFixture(t, redis.url) }
}

t.test('broken sources fail with a reason, odd ones are transcoded, and all originals are served', async t => {
  const { url, music, cached, isServed, sources } = await setUp(t)
  const whole = readFileSync(makeTrack(music('whole.flac')))
  const odd = [
    music('whole.flac'),
    makeTrack(music('eight-channels.flac'), { channels: 8 }),
    makeTrack(music('192-khz.flac'), { rate: 192_000 }),
    makeTrack(music('mislabelled.flac'), { options: ['-f', 'wav'] })
  ].map(path => basename(path))
  const corrupt = Buffer.from(whole)
  corrupt.fill(0xff, whole.length >> 2, whole.length >> 1)
  makeTrack(music('cover.m4a'), { options: ['-c:a', 'alac'] })
  embedPicture(music('cover.m4a'), await jpeg('teal'))
  execFileSync('ffmpeg', ['-v', 'error', '-i', music('cover.m4a'), '-map', '0:v', '-c', 'copy', '-f', 'mp4', music('cover-only.m4a')])
  rmSync(music('cover.m4a'))
  const broken = {
    'cut.flac': whole.subarray(0, whole.length / 2),
    'corrupt.flac': corrupt,
    'empty.flac': Buffer.alloc(0),
    'text.wav': Buffer.from('no audio'),
    'cover-only.m4a': readFileSync(music('cover-only.m4a'))
  }
  for (const [name, bytes] of Object.entries(broken)) writeFileSync(music(name), bytes)

  const names = [...odd, ...Object.keys(broken)]
  await http(url, '/mixtapes/all', { method: 'PUT', body: { tracks: names.map(name => ({ file_path: name })) } })
  for (const name of odd) await until(() => existsSync(cached(name)))
  for (const name of Object.keys(broken)) await until(async () => await sources.get(name))
  for (const name of odd) t.equal(decodedSamples(cached(name)), 2 * 44100, name)
  for (const name of Object.keys(broken)) {
    t.notOk(existsSync(cached(name)), name)
    t.match(await sources.get(name), { reason: /\w/ }, name)
  }
  for (const name of names) t.ok(await isServed(name), name)
})

t.test('a source that is replaced or deleted in mid-transcode is not published as it was', async t => {
  const { url, worker, music, cached, parts, isServed } = await setUp(t)
  for (const name of ['replaced.flac', 'deleted.flac']) {
    makeTrack(music(name), { seconds: 200 })
    const { body } = await http(url, `/play/${name}?quality=low`)
    t.ok(body.equals(readFileSync(music(name))))
    await until(() => parts().some(({ size }) => size > 0))
    signalEncoders(worker.child.pid, 'SIGSTOP')
    if (name === 'replaced.flac') renameSync(makeTrack(music('other.flac'), { seconds: 3 }), music(name))
    else rmSync(music(name))
    signalEncoders(worker.child.pid, 'SIGCONT')
    await worker.logged(new RegExp(name === 'replaced.flac' ? 'The source changed while' : 'The source is gone|The source changed while'))
    if (name === 'deleted.flac') break
    await worker.logged(/Cached: replaced.flac/)
    t.equal(decodedSamples(cached(name)), 3 * 44100, 'the new recording')
    t.ok(await isServed(name))
  }
  t.equal((await http(url, '/play/deleted.flac')).status, 404)
  t.notOk(existsSync(cached('deleted.flac')))
})
