import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { t } from 'tap'
import { freePort } from '../../scripts/free-port.js'
import { startRedis } from '../../scripts/redis.js'
import { testFolder } from '../fixtures/folder.ts'
import { http, whenReady, type HttpResponse } from '../fixtures/http.ts'
import { startStreaming, startWorker, until } from '../fixtures/services.ts'
import { audioOf, makeTrack } from '../fixtures/tracks.ts'

const NAMES = ['a', 'b'] as const
const VERSIONS = [0, 1, 2] as const
const LEVELS = ['low', 'high'] as const
const SLUGS = ['x', 'y'] as const

/** Bytes of AUDIO_CACHE_MAX_SIZE: less than all transcodes of both tracks, so that some are evicted. */
const LIMIT = 150_000

/** Connections to the file of a killed worker break when its lease is over (LEASE_MS), and some time is for a slow machine. */
const MAY_BREAK_MS = 15_000

const name = fc.constantFrom(...NAMES)
const level = fc.constantFrom(...LEVELS)
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('play' as const), name, level, suffix: fc.option(fc.integer({ min: 1, max: 9000 }), { nil: undefined }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replace' as const), name, version: fc.constantFrom(...VERSIONS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('removeCached' as const, 'truncateCached' as const), name, level }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), level: fc.option(level, { nil: undefined }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('saveMixtape' as const, 'removeMixtape' as const), slug: fc.constantFrom(...SLUGS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('killWorker' as const, 'stopRedis' as const, 'startRedis' as const) }) }
)

type Step = typeof step extends fc.Arbitrary<infer Drawn> ? Drawn : never

t.test('random sequences of plays and faults: no wrong byte, no lost mixtape, no limit exceeded, and all is cached afterwards', async t => {
  const dir = testFolder(t, { music: {}, cache: {}, versions: {} })
  const [music, cache, port] = [join(dir, 'music'), join(dir, 'cache'), await freePort()]
  let redis: Awaited<ReturnType<typeof startRedis>> | undefined
  const redisUp = async () => { redis ??= await startRedis({ dir: join(dir, 'redis'), port }) }
  const redisDown = async () => {
    await redis?.stop()
    redis = undefined
  }
  t.teardown(redisDown)
  await redisUp()
  const env = {
    MUSIC_ROOT: music,
    AUDIO_CACHE_DIR: cache,
    AUDIO_CACHE_MIN_FREE: '1B',
    AUDIO_CACHE_MAX_SIZE: `${LIMIT}B`,
    AUDIO_CACHE_PROTECT: '0',
    AUDIO_CACHE_ON_MISS: 'transcode',
    AUDIO_CACHE_LIVE_WAIT: '1',
    POPULAR_TRACKS: '0',
    REDIS_URL: `redis://127.0.0.1:${port}`
  }
  const { url } = await startStreaming(t, env)
  let worker = await startWorker(t, env)
  const originals = VERSIONS.map(version => readFileSync(makeTrack(join(dir, `versions/${version}.flac`), { seconds: 1 + version / 2 })))

  // What the model knows.
  const present = new Map<string, number>()
  const mixtapes = new Set<string>()
  const mp3s = new Map<string, Buffer>()
  let killedAt = -Infinity
  let highest = 0

  const trackPath = (name: string) => join(music, `${name}.flac`)
  const cachedPath = (name: string, level: string) => join(cache, `${name}_${level}.mp3`)
  const replace = (name: string, version: number) => {
    copyFileSync(join(dir, `versions/${version}.flac`), join(music, 'new'))
    renameSync(join(music, 'new'), trackPath(name))
    present.set(name, version)
  }
  const playUrl = (name: string, level: string) => `/play/${name}.flac?quality=${level}`
  const isHit = async (name: string, level: string) => (await http(url, playUrl(name, level))).headers['cache-status'] === 'mixtape; hit'

  /** Plays a track until it is cached. */
  async function cachedAudio (name: string, level: string): Promise<Buffer> {
    for (;;) {
      try {
        await until(async () => await isHit(name, level))
        return audioOf(readFileSync(cachedPath(name, level)))
      } catch {} // the connection broke, or the file was evicted at once
    }
  }

  function check (response: HttpResponse, { name, level, suffix }: { name: string, level: string, suffix: number | undefined }): void {
    const version = present.get(name)
    if (version === undefined) {
      if (response.status !== 404) throw new Error(`A track that is gone was ${response.status}`)
      return
    }
    const isOriginal = response.headers['content-type'] === 'audio/flac'
    const whole = isOriginal ? originals[version] as Buffer : mp3s.get(`${name} ${version} ${level}`) as Buffer
    const body = suffix === undefined && !isOriginal ? audioOf(response.body) : response.body
    const right = suffix === undefined ? whole : whole.subarray(Math.max(whole.length - suffix, 0))
    if (response.status !== (suffix === undefined ? 200 : 206) || !body.equals(right)) {
      throw new Error(`${name}, version ${version}, ${level}: ${response.status} ${JSON.stringify(response.headers)}, ${body.length} bytes`)
    }
  }

  async function run (step: Step): Promise<void> {
    switch (step.do) {
      case 'play': {
        const headers = step.suffix === undefined ? {} : { range: `bytes=-${step.suffix}` }
        try {
          check(await http(url, playUrl(step.name, step.level), { headers }), step)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET' || performance.now() - killedAt > MAY_BREAK_MS) throw error
        }
        return
      }
      case 'replace': return replace(step.name, step.version)
      case 'delete':
        rmSync(trackPath(step.name), { force: true })
        present.delete(step.name)
        return
      case 'removeCached': return rmSync(cachedPath(step.name, step.level), { force: true })
      case 'truncateCached': {
        const file = cachedPath(step.name, step.level)
        if (existsSync(file)) truncateSync(file, statSync(file).size >> 1)
        return
      }
      case 'clear':
        await http(url, `/admin/cache/clear${step.level ? `?quality=${step.level}` : ''}`, { method: 'POST' })
        return
      case 'saveMixtape': {
        const { status } = await http(url, `/mixtapes/${step.slug}`, { method: 'PUT', body: { tracks: [{ file_path: 'a.flac' }] } })
        if (status === 202) mixtapes.add(step.slug)
        else if (status !== 503) throw new Error(`PUT was ${status}`)
        return
      }
      case 'removeMixtape': {
        const { status } = await http(url, `/mixtapes/${step.slug}`, { method: 'DELETE' })
        if (status === 204) mixtapes.delete(step.slug)
        else if (status !== 503 && status !== 404) throw new Error(`DELETE was ${status}`)
        return
      }
      case 'killWorker':
        await worker.stop('SIGKILL')
        killedAt = performance.now()
        worker = await startWorker(t, env)
        return
      case 'stopRedis': return await redisDown()
      case 'startRedis': return await redisUp()
    }
  }

  /** Mends all faults, and checks what must hold then. */
  async function checkWell (): Promise<void> {
    await redisUp()
    await whenReady(url)
    for (const [name, version] of present) {
      for (const level of LEVELS) {
        const key = `${name} ${version} ${level}`
        const audio = await cachedAudio(name, level)
        if (!mp3s.get(key)?.equals(audio)) throw new Error(`${key} differs from the MP3 of an undisturbed run`)
      }
    }
    for (const slug of SLUGS) {
      const { status } = await http(url, `/mixtapes/${slug}`)
      if (status !== (mixtapes.has(slug) ? 200 : 404)) throw new Error(`The mixtape ${slug} is ${status}`)
    }
    // A mixtape has its tracks made at medium.
    const allowed = new Set(NAMES.flatMap(name => [...LEVELS, 'medium'].map(level => `${name}_${level}.mp3`)))
    // The next transcode of a track deletes the part of a killed worker. The nightly run deletes its segments, which the next one may use.
    await until(() => readdirSync(cache).every(file => allowed.has(file) || file.endsWith('.segments')))
  }

  for (const name of NAMES) {
    for (const version of VERSIONS) {
      replace(name, version)
      for (const level of LEVELS) {
        mp3s.set(`${name} ${version} ${level}`, await cachedAudio(name, level))
      }
    }
  }
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 25, maxLength: 40, size: 'max' }), async steps => {
    for (const step of steps) {
      await run(step)
      const bytes = readdirSync(cache).filter(file => file.endsWith('.mp3'))
        .reduce((sum, file) => sum + (statSync(join(cache, file), { throwIfNoEntry: false })?.size ?? 0), 0)
      if (bytes > LIMIT) throw new Error(`The cache has ${bytes} bytes after ${JSON.stringify(step)}`)
      highest = Math.max(highest, bytes)
    }
    for (const name of NAMES) if (!present.has(name)) replace(name, 0)
    await checkWell()
  }), { numRuns: 3, endOnFailure: true }) // no shrinking: each run goes on where the last one ended
  t.equal(await worker.stop(), 0)
  t.comment(`At most ${highest} bytes were in the cache`)
})
