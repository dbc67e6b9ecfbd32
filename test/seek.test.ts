import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { blockBytes } from '@mixtape/mp3'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { encoderPids, startStreaming, startWorker, until } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

const withRange = (value: string) => ({ headers: { range: `bytes=${value}` } })

t.test('random seeks into absent tracks get the bytes of the published file, for every kind of source', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  for (const [name, seconds, options] of [
    ['a.flac', 900, ['-ar', '48000', '-sample_fmt', 's32']], ['b.wav', 900, ['-ar', '22050']], ['alac.m4a', 900, ['-c:a', 'alac']],
    ['vorbis.ogg', 120, ['-c:a', 'libvorbis']], ['aac.m4a', 120, ['-c:a', 'aac']]
  ] as const) {
    makeTrack(join(music, name), { seconds, options: [...options] })
    const path = `/play/${name}?quality=low`
    const size = Number((await http(url, path, { method: 'HEAD' })).headers['content-length'])
    const seeks = await Promise.all(Array.from({ length: 6 }, async () => {
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
    t.same(readdirSync(cache).filter(entry => entry.startsWith('.')), [], 'nothing but the published file is left')
  }
})

t.test('a far seek is served by a second encoder, while the first one stands still', async t => {
  const { music, cache, env } = await liveSite(t)
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, { ...env, WORKER_CONCURRENCY: '1' })])
  makeTrack(join(music, 'long.flac'), { seconds: 600 })
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
  t.equal(statSync(join(cache, segments, done)).size, (end - start) * blockBytes('high'))
  for (const pid of first) process.kill(pid, 'SIGCONT')
  await worker.logged(/Cached: long/)
  const file = readFileSync(join(cache, 'long_high.mp3'))
  t.ok(middle.body.equals(file.subarray(size >> 1, (size >> 1) + 1_000_000)))
  t.same(readdirSync(cache), ['long_high.mp3'])
})
