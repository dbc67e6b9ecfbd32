import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { t } from 'tap'
import { freePort } from '../../scripts/free-port.js'
import { startRedis } from '../../scripts/redis.js'
import { testFolder } from '../fixtures/folder.ts'
import { http, problemsOf, whenReady } from '../fixtures/http.ts'
import { startStreaming, startWorker, until } from '../fixtures/services.ts'
import { decodedSamples, makeTrack } from '../fixtures/tracks.ts'

// A Redis that fails over to its replica: test/redis-modes.test.ts.

t.test('whatever happens to Redis, hits and originals are served, no request waits for it, and then misses become hits', async t => {
  const dir = testFolder(t, { music: {}, cache: {} })
  const [data, port] = [join(dir, 'redis'), await freePort()]
  let redis: Awaited<ReturnType<typeof startRedis>> | undefined
  t.teardown(async () => { await redis?.stop() })
  const startAgain = async () => { redis = await startRedis({ dir: data, port }) }
  const env = {
    MUSIC_ROOT: join(dir, 'music'),
    AUDIO_CACHE_DIR: join(dir, 'cache'),
    AUDIO_CACHE_MIN_FREE: '1B',
    REDIS_URL: `redis://127.0.0.1:${port}`,
    POPULAR_TRACKS: '0',
    LOG_LEVEL: 'debug'
  }
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)]) // Redis is absent
  const originals = new Map<string, Buffer>()
  const cached: string[] = []

  /** Checks what listeners get during a fault. @param code of the problem that health tells meanwhile */
  const checkServed = async (fault: string, code: string) => {
    originals.set(fault, readFileSync(makeTrack(join(dir, `music/${fault}.flac`))))
    await until(async () => code in await problemsOf(url))
    for (const [name, original] of originals) t.ok((await http(url, `/play/${name}.flac`)).body.equals(original), `${fault}: ${name}`)
    for (const name of cached) t.equal((await http(url, `/play/${name}.flac?quality=low`)).headers['cache-status'], 'mixtape; hit', fault)
    const miss = await http(url, `/play/${fault}.flac?quality=low`)
    t.match(miss, { status: 200, headers: { 'cache-status': 'mixtape; fwd=miss; detail=absent' } }, fault)
    t.ok(miss.body.equals(originals.get(fault) as Buffer), fault)
    t.match(await http(url, '/mixtapes/late', { method: 'PUT', body: { title: 'Late', tracks: [] } }), {
      status: 503, headers: { 'retry-after': '5' }
    }, fault)
  }
  const checkMended = async (fault: string) => {
    await whenReady(url)
    const path = `/play/${fault}.flac?quality=low`
    await http(url, path)
    await worker.logged(new RegExp(`Cached: ${fault}.flac`))
    t.equal((await http(url, path)).headers['cache-status'], 'mixtape; hit', fault)
    t.equal(decodedSamples(join(dir, `cache/${fault}_low.mp3`)), 2 * 44100, fault)
    cached.push(fault)
  }
  const mixtape = async () => await http(url, '/mixtapes/kept')

  await checkServed('absent', 'redis_unreachable')
  await startAgain()
  await checkMended('absent')
  const body = { title: 'Kept', tracks: [{ file_path: 'absent.flac' }] }
  t.match(await http(url, '/mixtapes/kept', { method: 'PUT', body }), { status: 202 })

  redis?.child.kill('SIGKILL')
  await checkServed('killed', 'redis_unreachable')
  await startAgain()
  await checkMended('killed')
  t.match((await mixtape()).json(), { title: 'Kept' })

  redis?.child.kill('SIGSTOP')
  await checkServed('frozen', 'redis_unreachable')
  redis?.child.kill('SIGCONT')
  await checkMended('frozen')

  const operator = new Redis(env.REDIS_URL)
  t.teardown(() => operator.disconnect())
  await operator.config('SET', 'maxmemory', '1mb', 'maxmemory-policy', 'noeviction')
  await checkServed('full', 'redis_out_of_memory')
  await operator.config('SET', 'maxmemory', '0')
  await checkMended('full')

  await operator.replicaof('127.0.0.1', 1) // of a master that does not answer
  await checkServed('readonly', 'redis_read_only')
  await operator.replicaof('NO', 'ONE')
  await checkMended('readonly')
  t.match((await mixtape()).json(), { title: 'Kept' })
  operator.disconnect()

  const exited = once(redis?.child as NonNullable<typeof redis>['child'], 'exit')
  redis?.child.kill('SIGKILL')
  await exited
  rmSync(data, { recursive: true })
  await checkServed('emptied', 'redis_unreachable')
  await startAgain()
  await checkMended('emptied')
  t.equal((await mixtape()).status, 404)
})
