import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { t, type Test } from 'tap'
import { MaintenanceQueue, MixtapeRegistry } from '@mixtape/mixtapes'
import { Plays } from '@mixtape/statistics'
import { producerConnection, TranscodeProducer } from '@mixtape/transcode-queue'
import { testFolder } from './fixtures/folder.ts'
import { http, whenReady } from './fixtures/http.ts'
import { testRedis } from './fixtures/redis.ts'
import { startStreaming, startWorker } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

async function setUp (t: Test) {
  const dir = testFolder(t, { music: {}, cache: {}, mixtapes: {} })
  const redis = await testRedis(t)
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null })
  const maintenance = new MaintenanceQueue(connection)
  t.teardown(async () => {
    await maintenance.close()
    connection.disconnect()
  })
  const env = {
    MUSIC_ROOT: join(dir, 'music'), AUDIO_CACHE_DIR: join(dir, 'cache'), REDIS_URL: redis.url, LOG_LEVEL: 'debug'
  }
  return { music: env.MUSIC_ROOT, folder: join(dir, 'mixtapes'), redis, connection, maintenance, env }
}

/** Makes equal tracks. @returns their names */
function makeTracks (music: string, count: number, seconds = 2): string[] {
  const source = makeTrack(join(music, 'track 1.flac'), { seconds })
  const names = Array.from({ length: count }, (_, i) => `track ${i + 1}.flac`)
  for (const name of names.slice(1)) copyFileSync(source, join(music, name))
  return names
}

interface ServerSentEvent {
  id: string
  data: {
    task_id: string,
    step: string,
    status: string,
    message: string,
    current: number,
    total: number,
    timestamp: string,
    ready: { high: number, medium: number, low: number }
  }
}

/** Reads the events of a mixtape until the server ends the response, or the connection breaks. */
async function * events (url: string, slug: string, headers = {}): AsyncGenerator<ServerSentEvent> {
  const [response] = await once(get(`${url}/mixtapes/${slug}/events`, { agent: false, headers }), 'response')
  if (response.statusCode !== 200) return
  let id = ''
  try {
    for await (const line of createInterface({ input: response })) {
      if (line.startsWith('id: ')) id = line.slice(4)
      if (line.startsWith('data: ')) yield { id, data: JSON.parse(line.slice(6)) }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
  }
}

async function collect (generator: AsyncGenerator<ServerSentEvent>): Promise<ServerSentEvent[]> {
  const all = []
  for await (const event of generator) all.push(event)
  return all
}

const put = (url: string, slug: string, names: string[], headers = {}) =>
  http(url, `/mixtapes/${slug}`, { method: 'PUT', headers, body: { title: slug, tracks: names.map(path => ({ path })) } })

t.test('clients of two replicas get an event for each transcode of a mixtape', async t => {
  const { music, env } = await setUp(t)
  const names = makeTracks(music, 12)
  const [first, second] = await Promise.all([startStreaming(t, env), startStreaming(t, env)])
  await Promise.all([whenReady(first.url), whenReady(second.url)])
  t.match((await put(first.url, 'summer', names)).json(), { slug: 'summer', tracks: 12, enqueued: 36, missing: [] })
  t.match((await http(second.url, '/mixtapes/summer')).json(), {
    slug: 'summer',
    title: 'summer',
    total: 12,
    ready: { high: 0, medium: 0, low: 0 },
    tracks: [{ file_path: 'track 1.flac', qualities: { high: { state: 'queued' }, low: { state: 'queued' } } }]
  })
  const eventLists = [collect(events(first.url, 'summer')), collect(events(second.url, 'summer'))]
  await startWorker(t, env)
  for (const received of await Promise.all(eventLists)) {
    t.match(received[0]?.data, {
      task_id: 'summer',
      step: 'caching',
      status: 'in_progress',
      message: String,
      current: 0,
      total: 12,
      timestamp: /^\d{4}-.*Z$/,
      ready: { high: 0, medium: 0, low: 0 }
    })
    t.match(received.at(-1)?.data, {
      status: 'completed', current: 12, total: 12, message: '12 of 12 tracks ready', ready: { high: 12, medium: 12, low: 12 }
    })
    t.equal(received.filter(({ data }) => data.status === 'completed').length, 1)
    const readyCounts = received.map(({ data }) => data.ready.high + data.ready.medium + data.ready.low)
    t.same(readyCounts, readyCounts.toSorted((a, b) => a - b), 'the counts never decrease')
    t.equal(new Set(readyCounts).size, 37, 'the first event, and one for each of the 36 transcodes')
  }
  const hit = await http(first.url, '/play/track%207.flac?quality=low')
  t.equal(hit.headers['cache-status'], 'mixtape; hit')

  const [last] = await collect(events(second.url, 'summer', { 'last-event-id': '1-0' }))
  t.match(last, { id: /-last$/, data: { status: 'completed' } })
  t.same(await collect(events(second.url, 'summer', { 'last-event-id': last?.id })), [], 'no event after the last one')
})

t.test('a mixtape gets another track, reports tracks that cannot or need not be transcoded, and is deleted', async t => {
  const { music, env } = await setUp(t)
  const [{ url }] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  await whenReady(url)
  const names = makeTracks(music, 2)
  makeTrack(join(music, 'done.mp3'))
  writeFileSync(join(music, 'broken.flac'), 'no music')
  await put(url, 'a', names.slice(0, 1))
  t.match((await collect(events(url, 'a'))).at(-1)?.data, { status: 'completed', total: 1 })
  t.match((await put(url, 'a', names)).json(), { enqueued: 3, cached: 3 }, 'only the added track is enqueued')
  t.match((await collect(events(url, 'a'))).at(-1)?.data, { status: 'completed', total: 2 })

  await put(url, 'b', [...names, 'done.mp3', 'broken.flac', 'gone.flac', '../x.flac'])
  t.match((await collect(events(url, 'b'))).at(-1)?.data, { status: 'failed', current: 6, total: 6, ready: { low: 3 } })
  const { tracks } = (await http(url, '/mixtapes/b')).json()
  t.same(tracks.map((track: any) => track.qualities.low.state),
    ['cached', 'cached', 'not_needed', 'failed', 'missing', 'missing'])
  t.match(tracks[3].qualities.low.reason, /\w/)
  t.notMatch(JSON.stringify(tracks), music, 'no path of the server is in the response')

  t.same((await http(url, '/mixtapes')).json().mixtapes.map((m: any) => m.slug).sort(), ['a', 'b'])
  t.equal((await http(url, '/mixtapes/a', { method: 'DELETE' })).status, 204)
  t.equal((await http(url, '/mixtapes/a', { method: 'DELETE' })).status, 404)
  t.equal((await http(url, '/mixtapes/a')).status, 404)
  t.equal((await http(url, '/mixtapes/a/events')).status, 404)
  t.equal((await http(url, '/play/track%201.flac?quality=low')).headers['cache-status'], 'mixtape; hit', 'the transcode is kept')
})

t.test('readiness is correct after both services were killed and restarted', async t => {
  const { music, env } = await setUp(t)
  const names = makeTracks(music, 6, 60)
  const [streaming, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  await whenReady(streaming.url)
  await put(streaming.url, 'a', names)
  const eventList = collect(events(streaming.url, 'a'))
  await worker.logged(/Cached: /)
  await streaming.stop('SIGKILL')
  t.equal((await eventList).at(-1)?.data.status, 'in_progress')
  const next = await startStreaming(t, env)
  await whenReady(next.url)
  t.match((await http(next.url, '/mixtapes/a')).json(), { title: 'a', total: 6 })
  const rest = collect(events(next.url, 'a', { 'last-event-id': '1-1' }))
  await worker.stop('SIGKILL')
  await startWorker(t, env)
  t.match((await rest).at(-1)?.data, { status: 'completed', current: 6, ready: { high: 6, medium: 6, low: 6 } })
})

t.test('changes of mixtapes need the token, and without Redis mixtapes get 503', async t => {
  const { env, redis } = await setUp(t)
  const { url } = await startStreaming(t, { ...env, ADMIN_TOKEN: 'secret' })
  await whenReady(url)
  const authorization = 'Bearer secret'
  t.equal((await put(url, 'a', [])).status, 401)
  t.equal((await http(url, '/mixtapes')).status, 401)
  t.equal((await http(url, '/mixtapes/a', { method: 'DELETE' })).status, 401)
  t.equal((await put(url, 'a', [], { authorization })).status, 202)
  t.equal((await http(url, '/mixtapes/a')).status, 200)
  t.match((await collect(events(url, 'a'))).at(-1)?.data, { status: 'completed', total: 0 })
  for (const slug of ['%2e%2e%2fa', 'a%20b', 'x'.repeat(201)]) {
    t.match((await http(url, `/mixtapes/${slug}`)).json(), { statusCode: 400, message: /^slug must have 1 to 200 letters/ }, slug)
  }
  const save = async (body: unknown) => await http(url, '/mixtapes/a', { method: 'PUT', body, headers: { authorization } })
  t.match((await save({ tracks: ['a.flac'] })).json(), { statusCode: 400, message: /^The body must be a mixtape such as/ })
  const longest = Array.from({ length: 1000 }, () => ({ file_path: `${'x'.repeat(4091)}.flac` }))
  t.match((await save({ tracks: longest })).json(), { tracks: 1000 })
  await redis.stop()
  for (const path of ['/mixtapes/a', '/mixtapes/a/events']) {
    const { status, headers, json } = await http(url, path)
    t.equal(status, 503)
    t.ok(headers['retry-after'])
    t.match(json(), { statusCode: 503, message: /try again/ })
  }
})

t.test('two workers watch the folder of a mixtape-society installation', async t => {
  const { music, folder, env, connection } = await setUp(t)
  const names = makeTracks(music, 3)
  const write = (slug: string, value: unknown) =>
    writeFileSync(join(folder, `${slug}.json`), typeof value === 'string' ? value : JSON.stringify(value))
  write('old', { title: 'Old', slug: 'x', cover: null, tracks: [{ path: names[0], artist: 'A', duration: '3:01' }] })
  write('half', '{ "title": "Half", "tra')
  mkdirSync(join(folder, 'sub.json'))
  const workerEnv = { ...env, MIXTAPES_DIR: folder }
  const [streaming, ...workers] = await Promise.all([
    startStreaming(t, env), startWorker(t, workerEnv), startWorker(t, workerEnv)
  ])
  const { url } = streaming
  const anyLogged = (pattern: RegExp) => Promise.race(workers.map(worker => worker.logged(pattern)))
  await anyLogged(/Mixtape read: old/)
  await Promise.all(workers.map(worker => worker.logged(/Mixtape half cannot be read: /)))
  t.match((await collect(events(url, 'old'))).at(-1)?.data, { total: 1 })

  write('half', { title: 'Whole', tracks: [{ file_path: names[1] }] })
  await anyLogged(/Mixtape read: half/)
  write('old', { title: 'Old', tracks: [{ path: names[0] }, { path: names[2] }] })
  await anyLogged(/Mixtape read: old.*/)
  while ((await http(url, '/mixtapes/old')).json().total !== 2) await setTimeout(20)
  for (const name of names) {
    for (const quality of ['high', 'medium', 'low']) {
      const path = `/play/${encodeURIComponent(name)}?quality=${quality}`
      while (true) {
        const found = (await http(url, `/mixtapes/${name === names[1] ? 'half' : 'old'}`)).json()
        if (found.ready[quality] === found.total) break
        await setTimeout(50)
      }
      t.equal((await http(url, path)).headers['cache-status'], 'mixtape; hit', path)
    }
  }
  rmSync(join(folder, 'half.json'))
  await anyLogged(/Mixtape gone: half/)
  t.equal((await http(url, '/mixtapes/half')).status, 404)

  const read = workers.flatMap(worker => worker.lines.filter(line => line.includes('Mixtape read: ')))
  t.equal(read.length, 3, 'one of the two workers read each change')
  await Promise.all(workers.map(worker => worker.stop()))
  rmSync(join(folder, 'old.json'))
  const later = await startWorker(t, workerEnv)
  await later.logged(/Mixtape gone: old/)
  t.equal(await connection.hlen('{mixtape}:mixtapes'), 0)
})

t.test('the nightly run enqueues all mixtapes, and cache warming enqueues the most played tracks', async t => {
  const { music, env, connection, maintenance } = await setUp(t)
  const names = makeTracks(music, 4)
  const { url } = await startStreaming(t, { ...env, AUDIO_CACHE_PRECACHE_ON_UPLOAD: 'false' })
  await whenReady(url)
  await put(url, 'a', names.slice(0, 2))
  for (const headers of [{}, { range: 'bytes=0-' }, { range: 'bytes=0-1' }, { range: 'bytes=5000-' },
    { range: 'bytes=0-', 'if-range': '"x"' }]) {
    await http(url, '/play/track%203.flac', { headers })
  }
  await http(url, '/play/track%204.flac')
  await http(url, '/play/track%204.flac', { method: 'HEAD' })
  const plays = new Plays(connection)
  while ((await plays.popular(10)).length < 2) await setTimeout(5)
  t.same(await plays.popular(10), ['track 3.flac', 'track 4.flac'], 'a seek, a probe and a resumed download are no plays')
  t.same(await plays.popular(1), ['track 3.flac'])

  const workers = await Promise.all([
    startWorker(t, { ...env, POPULAR_TRACKS: '1' }), startWorker(t, { ...env, POPULAR_TRACKS: '1' })
  ])
  const runs = (reason: string) => workers.flatMap(({ lines }) => lines.filter(line => line.includes(`"${reason}","enqueued"`)))
  await Promise.race(workers.map(worker => worker.logged(/"warm","enqueued":2/)))
  await maintenance.run('nightly')
  await Promise.race(workers.map(worker => worker.logged(/"nightly","enqueued":6/)))
  const readiness = async () => (await http(url, '/mixtapes/a')).json().ready
  while ((await readiness()).low < 2) await setTimeout(50)
  const cacheStatus = async (name: string, quality: string) =>
    (await http(url, `/play/${encodeURIComponent(name)}?quality=${quality}`, { method: 'HEAD' })).headers['cache-status']
  while (await cacheStatus('track 3.flac', 'high') !== 'mixtape; hit') await setTimeout(50)
  t.equal(await cacheStatus('track 3.flac', 'medium'), 'mixtape; hit')
  t.equal(await cacheStatus('track 1.flac', 'low'), 'mixtape; hit')
  t.equal(runs('warm').length, 1, 'one run for two workers')
  t.equal(runs('nightly').length, 1)
  const schedulers = await connection.zrange('{mixtape}:maintenance:repeat', '0', '-1')
  t.same(schedulers.sort(), ['nightly', 'warm'])
})

t.test('a Node.js back end saves a mixtape without HTTP', async t => {
  const { music, env, connection, maintenance, redis } = await setUp(t)
  const names = makeTracks(music, 1)
  await startWorker(t, env)
  const mixtapes = new MixtapeRegistry(connection)
  t.teardown(() => mixtapes.close())
  t.equal(await mixtapes.save({ slug: 'node', tracks: names, origin: 'api' }), true)
  t.equal(await mixtapes.save({ slug: 'node', tracks: names, origin: 'api' }), false)
  await maintenance.precacheMixtape('node')
  const { url } = await startStreaming(t, env)
  await whenReady(url)
  while ((await http(url, '/mixtapes/node')).json().ready.low !== 1) await setTimeout(20)
  t.match((await collect(events(url, 'node'))).at(-1)?.data, { total: 1 })

  const producerRedis = producerConnection({ url: redis.url }, pino({ level: 'silent' }))
  await once(producerRedis, 'ready')
  const producer = new TranscodeProducer(producerRedis)
  t.equal(await producer.state({ path: names[0] ?? '', quality: 'low' }, '1-1'), undefined, 'no job is left')
  await producer.close()
  producerRedis.disconnect()
})
