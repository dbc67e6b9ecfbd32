import { randomInt } from 'node:crypto'
import { cpSync, readFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { t, type Test } from 'tap'
import { freePort } from '../scripts/free-port.js'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { startFront } from './fixtures/nginx.ts'
import { queueFixture } from './fixtures/queue.ts'
import { startStreaming, startWorker, until } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

/** Between two restarts. */
const PAUSE_MS = 3000

/** What clients do until they are told to stop. */
class Load {
  readonly failures: string[] = []
  readonly requests: Record<string, number> = {}
  readonly #clients: Promise<void>[] = []
  #isOver = false

  /**
   * Does something again and again, with a pause. Each call is one request; it throws where the answer was not right. The pauses
   * leave time to the services, which share two cores with these clients.
   */
  repeat (name: string, pauseMs: number, request: (n: number) => Promise<void>): void {
    this.requests[name] = 0
    this.#clients.push((async () => {
      for (let n = 0; !this.#isOver; n++) {
        await request(n).catch((error: Error) => this.failures.push(`${name}: ${error.message}`))
        this.requests[name] = n + 1
        await sleep(pauseMs)
      }
    })())
  }

  async end (): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#clients)
  }
}

/** Two streaming replicas behind nginx, and two workers, which can be restarted. */
async function startSite (t: Test) {
  const { music, cache, redis, env } = await liveSite(t)
  const settings = { ...env, ADMIN_TOKEN: 'secret', AUDIO_CACHE_PRECACHE_QUALITIES: 'low', WORKER_CONCURRENCY: '1' }
  const ports = [await freePort(), await freePort()]
  const replicas = await Promise.all(ports.map(port => startStreaming(t, { ...settings, PORT: `${port}` })))
  const workers = await Promise.all(ports.map(() => startWorker(t, settings)))
  const logs = [...workers]
  /** One replica and one worker at a time. */
  const restart = async (i: number) => {
    const restartReplica = async () => {
      t.equal(await replicas[i]?.stop(), 0)
      await startStreaming(t, { ...settings, PORT: `${ports[i]}` })
    }
    const restartWorker = async () => {
      t.equal(await workers[i]?.stop(), 0)
      logs.push(await startWorker(t, settings))
    }
    await Promise.all([restartReplica(), restartWorker()])
  }
  return { music, cache, redis, restart, logs, url: await startFront(t, { streaming: replicas.map(({ url }) => url), music, cache }) }
}

t.test('replicas and workers are restarted one by one under load: no request fails, and no job is lost or doubled', async t => {
  const { music, cache, redis, restart, logs, url } = await startSite(t)
  const { monitor } = queueFixture(t, redis.url)
  const source = readFileSync(makeTrack(join(music, 'hit.flac'), { seconds: 60 }))
  const short = makeTrack(join(music, 'short.flac'), { seconds: 5 })
  const hit = (await http(url, '/play/hit.flac?quality=low')).body
  await until(async () => (await http(url, '/play/hit.flac?quality=low', { method: 'HEAD' })).headers['cache-status'] === 'mixtape; hit')
  const expect = (isRight: boolean, wrong: string) => { if (!isRight) throw new Error(wrong) }
  const made: { name: string, body: Buffer }[] = []
  const saved: string[] = []

  const load = new Load()
  load.repeat('whole hits', 200, async () => {
    const { status, body } = await http(url, '/play/hit.flac?quality=low')
    expect(status === 200 && body.equals(hit), `${status}, ${body.length} bytes`)
  })
  load.repeat('ranges', 50, async () => {
    const first = randomInt(source.length)
    const last = Math.min(first + randomInt(200_000), source.length - 1)
    const { status, body } = await http(url, '/play/hit.flac', { headers: { range: `bytes=${first}-${last}` } })
    expect(status === 206 && body.equals(source.subarray(first, last + 1)), `${status}, ${body.length} bytes`)
  })
  load.repeat('listeners in mid-track', 0, async () => { expect((await listen(url, '/play/hit.flac', 4000)).equals(source), 'other bytes') })
  load.repeat('live misses', 1000, async n => {
    const name = `live-${n}`
    cpSync(short, join(music, `${name}.flac`))
    const { status, headers, body } = await http(url, `/play/${name}.flac?quality=medium`)
    expect(status === 200 && headers['content-type'] === 'audio/mpeg', `${status} ${headers['cache-status']}`)
    made.push({ name, body })
  })
  load.repeat('saved mixtapes', 2000, async n => {
    const name = `mixtape-${n}`
    cpSync(short, join(music, `${name}.flac`))
    const { status } = await http(url, `/mixtapes/${name}`, {
      method: 'PUT', body: { tracks: [{ file_path: `${name}.flac` }] }, headers: { authorization: 'Bearer secret' }
    })
    expect(status === 202 || status === 201 || status === 200, `${status}`)
    saved.push(name)
  })
  await until(() => saved.length > 0)
  load.repeat('event streams', 200, async () => {
    const status = await eventsUntilEnd(`${url}/mixtapes/${saved.at(-1)}/events`)
    expect(status === 200, `${status}`)
  })

  for (const i of [0, 1]) {
    await restart(i)
    await sleep(PAUSE_MS)
  }
  await load.end()
  t.same(load.failures, [], JSON.stringify(load.requests))
  t.comment(JSON.stringify(load.requests))

  await until(async () => {
    const { running, delayed, waiting } = await monitor.state()
    return running + delayed + Object.values(waiting).reduce((sum, { jobs }) => sum + jobs, 0) === 0
  })
  t.match(await monitor.state(), { failed: 0 })
  for (const { name, body } of made) t.ok(body.equals(readFileSync(join(cache, `${name}_medium.mp3`))), name)
  const published = () => logs.flatMap(({ lines }) => lines).flatMap(line => line.match(/Cached: (\S+)\.flac → (\w+)/)?.slice(1).join(' ') ?? [])
  const jobs = ['hit low', ...made.map(({ name }) => `${name} medium`), ...saved.map(name => `${name} low`)]
  await until(() => published().length >= jobs.length) // log lines come up to 100 ms after the job
  t.same(published().sort(), jobs.sort(), 'each job once')
})

/** Gets a file as slowly as someone who listens, but in `ms`. @returns all bytes; rejects where the connection breaks */
async function listen (base: string, path: string, ms: number): Promise<Buffer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => { get(base + path, { agent: false }, resolve).on('error', reject) })
  const bytes: Buffer[] = []
  const size = Number(response.headers['content-length'])
  for await (const chunk of response) {
    bytes.push(chunk as Buffer)
    await sleep(ms * (chunk as Buffer).length / size)
  }
  return Buffer.concat(bytes)
}

/** Reads an event stream until the server ends it: the mixtape is complete, or the replica stops. @returns the status */
async function eventsUntilEnd (url: string): Promise<number> {
  const response = await fetch(url)
  await response.text()
  return response.status
}
