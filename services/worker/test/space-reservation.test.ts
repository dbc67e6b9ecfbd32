import { randomBytes, randomInt } from 'node:crypto'
import { closeSync, openSync, readdirSync, statfsSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { t, type Test } from 'tap'
import { AudioCache } from '@mixtape/audio-cache'
import { clearCache } from '@mixtape/audio-cache/upkeep'
import { readConfig } from '@mixtape/config'
import { Library } from '@mixtape/library'
import { MixtapeRegistry } from '@mixtape/mixtapes'
import type { TranscodeQuality } from '@mixtape/mp3'
import { CacheUsage, Plays } from '@mixtape/statistics'
import { smallDisk } from '../../../test/fixtures/disk.ts'
import { testFolder } from '../../../test/fixtures/folder.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { WorkerMetrics } from '../src/metrics.ts'
import { createSpaceReservation, NoSpaceError } from '../src/space-reservation.ts'

const { signal } = new AbortController()
const newGeneration = () => randomBytes(8).toString('hex')

async function setUp (t: Test, env: Record<string, string>) {
  const dir = testFolder(t, { cache: {}, music: {} })
  const { url } = await testRedis(t)
  const redis = new Redis(url)
  const config = readConfig({
    MUSIC_ROOT: join(dir, 'music'), AUDIO_CACHE_DIR: join(dir, 'cache'), AUDIO_CACHE_MIN_FREE: '1B', ...env
  })
  const library = new Library(config.MUSIC_ROOT)
  const cache = new AudioCache(config.AUDIO_CACHE_DIR, library, ['.flac'])
  const usage = new CacheUsage(redis)
  const plays = new Plays(redis)
  const mixtapes = new MixtapeRegistry(redis)
  t.teardown(async () => {
    await mixtapes.close()
    redis.disconnect()
  })
  const metrics = new WorkerMetrics(new Registry(), 1)
  const space = createSpaceReservation({ config, cache, usage, plays, mixtapes, redis, metrics, log: pino({ level: 'silent' }) })
  const names = () => readdirSync(cache.dir).sort()
  /** Reserves space and writes a cached file, as the processor does. The size is in bytes. */
  const publish = async (name: string, size: number, ageSeconds = 0) => {
    const generation = newGeneration()
    await space.reserve(generation, size, signal)
    writeFileSync(join(cache.dir, name), Buffer.alloc(size))
    await usage.publish(generation, /_(high|medium|low)/.exec(name)![1] as TranscodeQuality, 1, size)
    const time = Date.now() / 1000 - ageSeconds
    utimesSync(join(cache.dir, name), time, time)
  }
  return { library, cache, usage, plays, mixtapes, redis, space, names, publish }
}

t.test('lru evicts the file that was played longest ago first, and never one that was just played', async t => {
  const { plays, names, publish, space, redis, usage } = await setUp(t, { AUDIO_CACHE_MAX_SIZE: '1000B' })
  for (const [name, age] of [['a', 400], ['b', 300], ['c', 200], ['d', 100]] as const) await publish(`${name}_low.mp3`, 245, age)
  await redis.zadd('{mixtape}:last-played', Date.now() - 7200_000, 'd_low.mp3')
  await plays.touch(['a_low.mp3'])
  await publish('e_low.mp3', 245)
  t.same(names(), ['a_low.mp3', 'b_low.mp3', 'c_low.mp3', 'e_low.mp3'], 'd is evicted: it was played two hours ago')
  await publish('f_low.mp3', 245)
  t.same(names(), ['a_low.mp3', 'c_low.mp3', 'e_low.mp3', 'f_low.mp3'], 'b is evicted: it is the oldest file that was never played')
  await plays.touch(names())
  await t.rejects(space.reserve(newGeneration(), 245, signal), { message: /AUDIO_CACHE_MAX_SIZE, and too few files may be evicted/ })
  await t.rejects(space.reserve(newGeneration(), 1001, signal), { name: 'UnrecoverableError', message: 'The MP3 would have 1001 bytes, and AUDIO_CACHE_MAX_SIZE is 1000' })
  t.equal(names().length, 4, 'no file is evicted for nothing')
  t.equal(await usage.get(), 980)
  t.match(await usage.removed(), { size: 2 })
})

t.test('transcodes of mixtapes are evicted after all others', async t => {
  const { mixtapes, names, publish } = await setUp(t, { AUDIO_CACHE_MAX_SIZE: '1000B', AUDIO_CACHE_EVICTION: 'age' })
  await mixtapes.save({ slug: 'x', tracks: ['a.flac'], origin: 'api' })
  await publish('a_low.mp3', 400, 900)
  await publish('b_low.mp3', 400, 100)
  await publish('c_low.mp3', 400)
  t.same(names(), ['a_low.mp3', 'c_low.mp3'])
})

t.test('quality evicts the least played quality first, and medium last', async t => {
  const { plays, names, publish } = await setUp(t, {
    AUDIO_CACHE_MAX_SIZE: '900B', AUDIO_CACHE_EVICTION: 'quality', AUDIO_CACHE_PROTECT: '0'
  })
  for (const quality of ['high', 'medium', 'low'] as const) await publish(`a_${quality}.mp3`, 295)
  await plays.countQualities(new Map([['high', 3], ['low', 1]]))
  await plays.touch(['x_high.mp3', 'x_low.mp3'])
  await publish('b_medium.mp3', 295)
  t.same(names(), ['a_high.mp3', 'a_medium.mp3', 'b_medium.mp3'])
  await publish('c_medium.mp3', 295)
  t.same(names(), ['a_medium.mp3', 'b_medium.mp3', 'c_medium.mp3'])
})

t.test('AUDIO_CACHE_MIN_FREE limits the cache too', async t => {
  const { names, publish, space } = await setUp(t, { AUDIO_CACHE_MIN_FREE: '900000TB' })
  await t.rejects(publish('a_low.mp3', 1000), { message: /AUDIO_CACHE_MIN_FREE/ })
  await t.rejects(space.reserve(newGeneration(), 1, signal), { message: /AUDIO_CACHE_MIN_FREE/ })
  t.same(names(), [])
})

t.test('no more files are evicted than are needed while listeners still read the evicted ones', async t => {
  const disk = smallDisk(t, '1m')
  const files = Array.from({ length: 100 }, (_, i) => join(disk, `${i}_low.mp3`))
  for (const file of files) writeFileSync(file, Buffer.alloc(4096))
  const { bavail, bsize } = statfsSync(disk)
  const listeners = files.map(file => openSync(file, 'r'))
  t.teardown(() => { listeners.forEach(closeSync) })
  const { names, space } = await setUp(t, { AUDIO_CACHE_DIR: disk, AUDIO_CACHE_MIN_FREE: `${bavail * bsize}B` })
  await space.reserve(newGeneration(), 5000, signal)
  t.equal(names().length, 98)
})

t.test('one worker at a time evicts or counts, and one that stops does not wait for another', async t => {
  const { names, publish, redis, space, usage } = await setUp(t, { AUDIO_CACHE_MAX_SIZE: '1000B' })
  await publish('a_low.mp3', 900)
  await redis.set('{mixtape}:lock:evict', 'another worker')
  const reserveAndStop = async () => {
    const stop = new AbortController()
    const stopped = space.reserve(newGeneration(), 500, stop.signal)
    stop.abort()
    await t.rejects(stopped, { name: 'AbortError' })
  }
  await reserveAndStop()
  t.same(names(), ['a_low.mp3'])
  await redis.del('{mixtape}:cache:levels') // Redis has lost its data
  await reserveAndStop()
  t.equal(await usage.get(), undefined)
})

t.test('the cache keeps its limit and the protected files in any sequence of publish, play, clear and crash', async t => {
  const LIMIT = 5000
  const { cache, names, plays, usage, redis, space } = await setUp(t, { AUDIO_CACHE_MAX_SIZE: `${LIMIT}B` })
  const size = (name: string) => statSync(join(cache.dir, name), { throwIfNoEntry: false })?.size ?? 0
  const total = () => names().reduce((sum, name) => sum + size(name), 0)
  const isProtected = new Set<string>()
  for (let step = 0; step < 400; step++) {
    const name = `${Math.floor(Math.random() * 60)}_low.mp3`
    const action = Math.random()
    if (action < 0.7) {
      const bytes = 1 + Math.floor(Math.random() * 900)
      const sizeBefore = size(name)
      const generation = newGeneration()
      try {
        await space.reserve(generation, bytes, signal)
      } catch (error) {
        if (!(error instanceof NoSpaceError)) throw error
        const evictable = names().filter(other => !isProtected.has(other)).reduce((sum, other) => sum + size(other), 0)
        t.ok(evictable < bytes, 'space is refused only where too few files may be evicted')
        await usage.subtract((await clearCache(cache.dir)).byKind)
        t.equal(await usage.get(), 0, 'what crashes have reserved is forgotten')
        isProtected.clear()
        continue
      }
      if (action < 0.05) continue // a crash before the write: the reserved bytes are counted until the next walk
      const replacedBytes = size(name)
      writeFileSync(join(cache.dir, name), Buffer.alloc(bytes))
      await usage.publish(generation, 'low', replacedBytes ? 0 : 1, bytes - replacedBytes)
      t.ok(sizeBefore >= replacedBytes)
    } else if (action < 0.85) {
      const existing = names()
      const played = existing[Math.floor(Math.random() * existing.length)]
      if (played && isProtected.size < 4) {
        await plays.touch([played])
        isProtected.add(played)
      }
    } else if (action < 0.87) {
      await usage.subtract((await clearCache(cache.dir, { where: path => !isProtected.has(path) })).byKind)
    } else if (action < 0.88) {
      await redis.del('{mixtape}:cache:levels', '{mixtape}:cache:reserved') // Redis has lost its data
    }
    if (total() > LIMIT) t.fail(`${total()} bytes after step ${step}`)
    for (const played of isProtected) if (!size(played)) t.fail(`${played} was protected`)
  }
  t.pass('the limit held')
})

t.test('the cache keeps its limit while many files are written at once', async t => {
  const LIMIT = 60_000
  const { library, cache, names, usage, space } = await setUp(t, { AUDIO_CACHE_MAX_SIZE: `${LIMIT}B`, AUDIO_CACHE_PROTECT: '0' })
  const running = new Map<string, number>() // the files that are being written, as they will be
  const published = (name: string) => name.endsWith('.mp3') && !running.has(name)
  const total = () => names().filter(published).reduce((sum, name) => sum + statSync(join(cache.dir, name)).size, 0) +
    [...running.values()].reduce((sum, size) => sum + size, 0)
  let highest = 0
  const makeMany = async (slot: number) => {
    for (let i = 0; i < 30; i++) {
      writeFileSync(join(library.root, `${slot}-${i}.flac`), '')
      const track = (await library.open(`${slot}-${i}.flac`))!
      const part = await cache.createPart(track, 'low', { findable: true })
      part.layOut(4410 + randomInt(4410), {})
      await space.reserve(part.generation, part.size, signal)
      running.set(`${slot}-${i}_low.mp3`, part.size)
      await part.start()
      highest = Math.max(highest, total())
      for (let rest = part.missing; rest > 0; rest = part.missing) {
        await part.append(Buffer.alloc(Math.min(rest, 500)))
        await setImmediate()
      }
      await cache.publish(part)
      await usage.publish(part.generation, 'low', 1, part.size)
      running.delete(`${slot}-${i}_low.mp3`)
      await track.close()
    }
  }
  await Promise.all([0, 1, 2, 3, 4, 5].map(makeMany))
  t.ok(highest > LIMIT * 0.8, `${highest} bytes at most`)
  t.ok(highest <= LIMIT, `${highest} bytes at most`)
  t.ok((await usage.get())! >= total(), 'no file is forgotten')
})
