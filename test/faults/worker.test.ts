import { randomInt } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { t } from 'tap'
import { namesIn, partsIn } from '../fixtures/cache-folder.ts'
import { http } from '../fixtures/http.ts'
import { liveSite } from '../fixtures/live-site.ts'
import { queueFixture } from '../fixtures/queue.ts'
import { encoderPids, startStreaming, startWorker, until } from '../fixtures/services.ts'
import { audioOf, decodedSamples, makeTrack } from '../fixtures/tracks.ts'

/** At each run of the tests; `TEST_KILLS=100 npm test -- test/faults/worker.test.ts` makes it more. */
const KILLS = Number(process.env.TEST_KILLS || 10)

t.test('a worker is killed at random moments: no client gets a wrong byte, and all transcodes are made', async t => {
  const { music, cache, redis, env } = await liveSite(t)
  const { producer } = queueFixture(t, redis.url)
  const names = Array.from({ length: 5 }, (_, i) => `${i}`)
  const originals = names.map(name => readFileSync(makeTrack(join(music, `${name}.flac`), { seconds: 40 + Number(name) })))
  const { url } = await startStreaming(t, { ...env, AUDIO_CACHE_LIVE_WAIT: '1' })
  const files = names.flatMap(name => [`${name}_low.mp3`, `${name}_high.mp3`])
  const areMade = () => files.every(file => existsSync(join(cache, file)))
  /** As the nightly run does: a job whose workers have died four times is not tried again. */
  const enqueueAll = async () => {
    for (const name of names) for (const quality of ['low', 'high'] as const) await producer.enqueue({ path: `${name}.flac`, quality, reason: 'mixtape' })
  }

  const over = new AbortController()
  const played: { name: string, isOriginal: boolean, body: Buffer }[] = []
  const player = (async () => {
    while (!over.signal.aborted) {
      const name = names[randomInt(names.length)] as string
      try {
        const { headers, body } = await http(url, `/play/${name}.flac?quality=low`)
        played.push({ name, isOriginal: headers['content-type'] === 'audio/flac', body })
      } catch (error) {
        t.match(error, { code: 'ECONNRESET' }) // its encoder was killed
      }
    }
  })()
  const delays: number[] = []
  for (let kill = 0; kill < KILLS; kill++) {
    await enqueueAll()
    const worker = await startWorker(t, env)
    delays.push(randomInt(1000))
    await setTimeout(delays.at(-1)) // not for an event: any moment may be the wrong one
    const pids = encoderPids(worker.child.pid)
    await worker.stop('SIGKILL')
    await until(() => !pids.some(pid => existsSync(`/proc/${pid}`))) // ffmpeg ends with its worker
  }
  const worker = await startWorker(t, env)
  await until(async () => {
    await enqueueAll()
    return areMade()
  })
  over.abort()
  await player
  t.ok(played.length > 0)
  t.same(namesIn(cache), files.toSorted(), `nothing else is left; killed after ${delays.join(', ')} ms`)
  for (const [i, name] of names.entries()) t.equal(decodedSamples(join(cache, `${name}_low.mp3`)), (40 + i) * 44100)

  const made = files.map(file => audioOf(readFileSync(join(cache, file))))
  for (const file of files) rmSync(join(cache, file))
  await enqueueAll()
  await until(areMade)
  for (const [i, file] of files.entries()) t.ok(audioOf(readFileSync(join(cache, file))).equals(made[i] as Buffer), `${file}: as without a kill`)
  for (const { name, isOriginal, body } of played) {
    const right = isOriginal ? originals[Number(name)] : made[files.indexOf(`${name}_low.mp3`)]
    t.ok((isOriginal ? body : audioOf(body)).equals(right as Buffer), `${name} as it was played`)
  }
  t.equal(await worker.stop(), 0)
})

t.test('a worker that stands still longer than its lock holds does not disturb the one that has taken its job', async t => {
  const { music, cache, env } = await liveSite(t)
  const original = readFileSync(makeTrack(join(music, 'a.flac'), { seconds: 300 }))
  const [{ url }, frozen] = await Promise.all([startStreaming(t, { ...env, AUDIO_CACHE_LIVE_WAIT: '0' }), startWorker(t, env)])
  const path = '/play/a.flac?quality=high'
  await http(url, path, { method: 'HEAD' })
  await until(() => encoderPids(frozen.child.pid).length > 0)
  frozen.child.kill('SIGSTOP')
  t.teardown(() => frozen.child.kill('SIGCONT'))

  const other = await startWorker(t, env)
  await other.logged(/Cached: a.flac/)
  const mp3 = readFileSync(join(cache, 'a_high.mp3'))
  t.equal(decodedSamples(join(cache, 'a_high.mp3')), 300 * 44100)
  const whole = http(url, path)
  frozen.child.kill('SIGCONT')
  t.ok((await whole).body.equals(mp3))
  await until(() => encoderPids(frozen.child.pid).length === 0 && namesIn(cache).length === 1)
  t.ok(audioOf(readFileSync(join(cache, 'a_high.mp3'))).equals(audioOf(mp3)), 'the same audio, whoever published last')
  t.ok((await http(url, '/play/a.flac')).body.equals(original))
  t.equal(await frozen.stop(), 0)
})

t.test('a worker that gets SIGTERM finishes the running job', async t => {
  const { music, cache, env } = await liveSite(t)
  makeTrack(join(music, 'a.flac'), { seconds: 120 })
  const [{ url }, worker] = await Promise.all([startStreaming(t, { ...env, AUDIO_CACHE_LIVE_WAIT: '0' }), startWorker(t, env)])
  await http(url, '/play/a.flac?quality=high', { method: 'HEAD' })
  await until(() => partsIn(cache).length)
  t.equal(await worker.stop(), 0)
  t.same(namesIn(cache), ['a_high.mp3'])
})
