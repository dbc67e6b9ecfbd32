import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { t } from 'tap'
import { blockBytes } from '@mixtape/mp3'
import { namesIn } from './fixtures/cache-folder.ts'
import { smallDisk } from './fixtures/disk.ts'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { encoderPids, startStreaming, startWorker, until } from './fixtures/services.ts'
import { audioOf, makeTrack } from './fixtures/tracks.ts'

/** Loud and very quiet passages, for which LAME adapts its thresholds for seconds. */
const QUIET = "volume='if(lt(mod(t,4.3),1.5),1,0.006)':eval=frame"

const withRange = (value: string) => ({ headers: { range: `bytes=${value}` } })

t.test('random seeks into absent tracks get the bytes of the published file, for every kind of source', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  for (const [name, seconds, options] of [
    ['a.flac', 400, ['-ar', '48000', '-sample_fmt', 's32', '-af', QUIET]], ['b.wav', 400, ['-ar', '22050']], ['alac.m4a', 400, ['-c:a', 'alac']],
    ['vorbis.ogg', 120, ['-c:a', 'libvorbis']], ['aac.m4a', 120, ['-c:a', 'aac']]
  ] as const) {
    makeTrack(join(music, name), { seconds, options: [...options] })
    const path = `/play/${name}?quality=low`
    const size = Number((await http(url, path, { method: 'HEAD' })).headers['content-length'])
    const seeks = await Promise.all(Array.from({ length: 4 }, async () => {
      const first = randomInt(size - 300_000)
      return { first, response: await http(url, path, withRange(`${first}-${first + 250_000}`)) }
    }))
    await worker.logged(new RegExp(`Cached: ${name}`))
    const file = readFileSync(join(cache, name.replace(/\.\w+$/, '_low.mp3')))
    t.equal(file.length, size)
    for (const { first, response } of seeks) {
      t.equal(response.status, 206)
      t.ok(response.body.equals(file.subarray(first, first + 250_001)), `${name} from ${first}`)
    }
    t.same(namesIn(cache).filter(entry => entry.startsWith('.')), [], 'nothing but the published file is left')
  }
})

t.test('a far seek is served by a second encoder, while the first one stands still', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, { ...env, WORKER_CONCURRENCY: '1' })])
  makeTrack(join(music, 'long.flac'), { seconds: 590 }) // too short to be cut into segments
  const path = '/play/long.flac?quality=high'
  const { headers } = await http(url, path, { method: 'HEAD' })
  const size = Number(headers['content-length'])
  await until(() => encoderPids(worker.child.pid).length > 0)
  const first = encoderPids(worker.child.pid)
  for (const pid of first) process.kill(pid, 'SIGSTOP')
  const middle = await http(url, path, withRange(`${size >> 1}-${(size >> 1) + 999_999}`))
  t.match(middle, { status: 206, headers: { etag: headers.etag } })
  const segments = readdirSync(cache).find(name => name.endsWith('.segments'))!
  await until(() => readdirSync(join(cache, segments)).some(name => name.endsWith('.done')))
  const [done = ''] = readdirSync(join(cache, segments))
  const [start, end] = /^(\d+)-(\d+)\./.exec(done)!.slice(1).map(Number) as [number, number]
  t.equal(Math.floor(statSync(join(cache, segments, done)).size / blockBytes('high')), end - start)
  for (const pid of first) process.kill(pid, 'SIGCONT')
  await worker.logged(/Cached: long/)
  const file = readFileSync(join(cache, 'long_high.mp3'))
  t.ok(middle.body.equals(file.subarray(size >> 1, (size >> 1) + 1_000_000)))
  t.same(namesIn(cache), ['long_high.mp3'])
})

t.test('the encoder of a listener who has jumped on stops, and what it wrote is used', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, { ...env, WORKER_CONCURRENCY: '4' })])
  makeTrack(join(music, 'long.flac'), { seconds: 590 })
  const path = '/play/long.flac?quality=low'
  const size = Number((await http(url, path, { method: 'HEAD' })).headers['content-length'])
  await until(() => encoderPids(worker.child.pid).length > 0)
  const [sequential] = encoderPids(worker.child.pid)
  process.kill(sequential!, 'SIGSTOP')
  const { hostname, port } = new URL(url)
  const request = get({ hostname, port, path, agent: false, headers: { range: `bytes=${size >> 1}-` } })
  request.on('error', () => {})
  await once(request, 'response')
  const jumped = encoderPids(worker.child.pid).find(pid => pid !== sequential)!
  process.kill(jumped, 'SIGSTOP')
  request.socket?.resetAndDestroy()
  const segments = () => {
    const dir = readdirSync(cache).find(name => name.endsWith('.segments'))
    return dir === undefined ? [] : readdirSync(join(cache, dir))
  }
  await until(() => segments().some(name => name.endsWith('.stop')))
  process.kill(jumped, 'SIGCONT')
  await until(() => encoderPids(worker.child.pid).length === 1)
  const blocks = segments().flatMap(name => /^(\d+)-(\d+)\./.exec(name)?.slice(1).map(Number) ?? [])
  t.ok(blocks.length === 0 || blocks[1]! - blocks[0]! < 94, 'it stopped before its end')
  process.kill(sequential!, 'SIGCONT')
  await worker.logged(/Cached: long/)
  t.equal(statSync(join(cache, 'long_low.mp3')).size, size)
})

t.test('a disk that gets full under two encoders breaks both connections, leaves nothing, and is recovered from', async t => {
  const { music, env } = await liveSite(t)
  const disk = smallDisk(t, '8m')
  const diskEnv = { ...env, AUDIO_CACHE_DIR: disk }
  const [{ url }, worker] = await Promise.all([startStreaming(t, diskEnv), startWorker(t, diskEnv)])
  makeTrack(join(music, 'long.flac'), { seconds: 300 }) // 4.8 MB at low
  const path = '/play/long.flac?quality=low'
  const size = Number((await http(url, path, { method: 'HEAD' })).headers['content-length'])
  await until(() => encoderPids(worker.child.pid).length > 0)
  const [sequential] = encoderPids(worker.child.pid)
  process.kill(sequential!, 'SIGSTOP')
  const responses = Promise.allSettled([http(url, path), http(url, path, withRange(`${size >> 1}-`))])
  await until(() => encoderPids(worker.child.pid).length > 1)
  try {
    writeFileSync(join(disk, 'filler'), Buffer.alloc(8 * 1024 * 1024))
  } catch {}
  process.kill(sequential!, 'SIGCONT')
  const broken = { status: 'rejected', reason: { code: 'ECONNRESET' } }
  t.match(await responses, [broken, broken])
  t.equal((await http(url, path)).headers['cache-status'], 'mixtape; fwd=miss; detail=failed', 'the original is served')
  await until(() => namesIn(disk).length === 1) // the filler
  rmSync(join(disk, 'filler'))
  await worker.logged(/Cached: long/)
  t.same(namesIn(disk), ['long_low.mp3'])
  t.equal(statSync(join(disk, 'long_low.mp3')).size, size)
})

t.test('a long track that two workers make at once has the bytes that one worker makes, also when one of them is killed', async t => {
  const { music, cache, env } = await liveSite(t)
  makeTrack(join(music, 'set.flac'), { seconds: 900 })
  const quiet = { ...env, AUDIO_CACHE_ON_MISS: 'original', WORKER_CONCURRENCY: '1' }
  const [{ url }, one] = await Promise.all([startStreaming(t, quiet), startWorker(t, quiet)])
  const file = join(cache, 'set_low.mp3')
  await http(url, '/play/set.flac?quality=low')
  await one.logged(/Cached: set/)
  const audio = () => audioOf(readFileSync(file))
  const alone = audio()
  await one.stop()

  rmSync(file)
  const [a, b] = await Promise.all([startWorker(t, quiet), startWorker(t, quiet)])
  const done = () => readdirSync(cache).filter(name => name.endsWith('.segments'))
    .flatMap(name => readdirSync(join(cache, name))).filter(name => name.endsWith('.done'))
  await http(url, '/play/set.flac?quality=low')
  await until(() => done().length > 0)
  const kept = done()
  const writesPart = (worker: typeof a) => readdirSync(`/proc/${worker.child.pid}/fd`).some(fd => {
    try {
      return readlinkSync(`/proc/${worker.child.pid}/fd/${fd}`).endsWith('.part')
    } catch {
      return false
    }
  })
  const [first, second] = writesPart(a) ? [a, b] : [b, a]
  await first.stop('SIGKILL')
  await second.logged(/Cached: set/)
  t.ok(kept.length > 0)
  t.ok(audio().equals(alone), 'the same bytes')
  t.same(namesIn(cache), ['set_low.mp3'], 'what the killed worker has left is used, or deleted')
})
