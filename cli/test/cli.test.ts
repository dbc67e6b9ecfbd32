import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { t } from 'tap'
import { build } from '../../test/fixtures/app.ts'
import { testFolder } from '../../test/fixtures/folder.ts'
import { http } from '../../test/fixtures/http.ts'
import { testRedis } from '../../test/fixtures/redis.ts'
import { startWorker, withoutHooks, type Service } from '../../test/fixtures/services.ts'
import { makeTrack } from '../../test/fixtures/tracks.ts'

const BIN = fileURLToPath(new URL('../bin.js', import.meta.url))

/**
 * Runs the command line as an operator would, in an environment of its own.
 *
 * @param onSaid is called with what it says to stderr while it runs
 */
async function run (
  cwd: string, env: Record<string, string>, args: string[], onSaid = (_text: string) => {}
): Promise<{ code: number, out: string, err: string }> {
  return await new Promise(resolve => {
    execFile(...withoutHooks(process.execPath, BIN, ...args), { cwd, env: { PATH: process.env.PATH, ...env } }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err })
    }).stderr?.on('data', onSaid)
  })
}

t.test('precache, why, failed, retry, stats, clear and verify, against a server and a worker', async t => {
  const redis = await testRedis(t)
  const settings = { REDIS_URL: redis.url, ADMIN_TOKEN: 'secret', AUDIO_CACHE_MIN_FREE: '1B' }
  const { url, music, cache } = await build(t, settings)
  const env = { ...settings, MIXTAPE_URL: url, MUSIC_ROOT: music, AUDIO_CACHE_DIR: cache }
  const cli = async (...args: string[]) => await run(music, env, args)
  const json = async (...args: string[]) => JSON.parse((await cli('--json', ...args)).out)
  makeTrack(join(music, 'jazz/a.flac'))
  writeFileSync(join(music, 'jazz/b.flac'), 'no audio at all')

  let worker: Promise<Service> | undefined
  const startWhenAsked = () => { worker ??= startWorker(t, { ...settings, MUSIC_ROOT: music, AUDIO_CACHE_DIR: cache }) }
  t.match(await run(music, env, ['precache', 'jazz', '--quality', 'low', '--wait'], startWhenAsked), {
    code: 1,
    err: /^No worker is there: nothing is transcoded until one is started/,
    out: /^1 of 2 tracks are ready at low\.\nFailed: jazz\/b\.flac: .*No audio stream/
  })
  t.match(await cli('why', 'jazz/a.flac'), { code: 0, out: /\nlow: cached\n {2}The cached MP3 was made from the present version/ })
  t.match(await cli('why', 'jazz/b.flac'), { code: 1, out: /^jazz\/b\.flac\n\nhigh, medium, low: failed\n.* since \d+ \w{3} \d{4}, \d\d:\d\d: .*No audio stream.*\n.*\n$/ })
  t.same(await cli('why', 'gone.flac'), {
    code: 1, out: 'gone.flac\n\nhigh, medium, low: not in the library\n  The library has no such track.\n  A listener gets now: Nothing: 404.\n', err: ''
  })
  t.match(await cli('failed'), { code: 1, out: /^\d+ \w{3} \d{4}, \d\d:\d\d +jazz\/b\.flac +low +.*No audio stream.*\n\nWhen a file is mended: mixtape-audio retry/ })
  t.match(await cli('precache', 'jazz', '--quality', 'low', '--wait'), { code: 1, out: /\nFailed before, and was not tried again: jazz\/b\.flac: .*No audio stream.*\n.*retry\n$/ })
  copyFileSync(join(music, 'jazz/a.flac'), join(music, 'jazz/b.flac'))
  t.match(await cli('precache', 'jazz/b.flac', '--quality', 'medium', '--wait'), { code: 0, out: '1 of 1 tracks are ready at medium.\n' })
  t.match(await cli('retry', 'jazz/b.flac'), { code: 0, out: 'Enqueued 1 job of 1 track\n' })
  writeFileSync(join(music, 'list.m3u'), '#EXTM3U\nhttps://music.example/play/jazz/b.flac?quality=low\r\njazz/gone.flac\n')
  t.match(await cli('precache', 'list.m3u', '--quality', 'low', '--wait'), { code: 1, out: /^1 of 1 tracks are ready at low\.\nNot in the library: jazz\/gone\.flac/ })
  writeFileSync(join(music, 'list.json'), JSON.stringify({ tracks: [{ file_path: 'jazz/b.flac' }] }))
  t.match(await json('precache', 'list.json', '--quality', 'medium', '--wait'), { tracks: 1, qualities: ['medium'], missing: [], failed: [] })
  t.match(await cli('stats'), { code: 0, out: /^Hit rate +none started now, .* \(of plays at high, medium and low\)\n.*Queue +0 running; waiting: listeners 0, mixtapes 0, popular 0, nightly 0\nWorkers +\S+ \d+\n.*\nCache .*high 0, medium 1, low 2/s })

  t.match(await cli('verify'), { code: 0, out: `3 of 3 cached MP3s in ${cache} are what they claim.\n` })
  t.match(await run(music, { ...env, AUDIO_CACHE_DIR: join(cache, 'none') }, ['verify']), { code: 2, err: /^AUDIO_CACHE_DIR is no folder: / })
  t.match(await cli('--url', 'music', 'stats'), { code: 2, err: /^--url is "music"\. Allowed: a URL that starts with http/ })
  const [first = ''] = readdirSync(join(cache, 'jazz')).filter(name => name.endsWith('_low.mp3'))
  truncateSync(join(cache, 'jazz', first), 5000)
  copyFileSync(join(cache, 'jazz/b_medium.mp3'), join(cache, 'jazz/other_medium.mp3'))
  t.same((await json('verify')).problems.map(({ path, problem }: Record<string, string>) => `${path}: ${problem?.replaceAll(/\d+/g, 'N')}`).sort(), [
    'jazz/a_low.mp3: It has N bytes, and should have N',
    'jazz/other_medium.mp3: It was made from jazz/b.flac, and has the name of another track'
  ])
  t.match(await cli('clear'), { code: 2, err: 'Would clear all 4 cached files. Add --yes to do it.\n' })
  t.match(await cli('clear', '--quality', 'medium', '--yes'), { code: 0, out: 'Cleared 2 cached files at medium quality\n' })

  mkdirSync(join(music, 'broken'))
  writeFileSync(join(music, 'broken/c.flac'), 'no audio at all')
  const precacheBroken = async () => await cli('precache', 'broken', '--quality', 'low', '--wait')
  t.match(await precacheBroken(), { code: 1, out: /\nFailed: broken\/c\.flac/ })
  await http(url, '/admin/failed/dismiss', { method: 'POST', headers: { authorization: 'Bearer secret' } })
  t.match(await cli('failed'), { code: 0 })
  t.match(await precacheBroken(), { code: 1, out: /\nFailed before, and was not tried again: broken\/c\.flac/ }, 'also where it was dismissed')
})

t.test('wrong use, a wrong token and no server have exit codes and words', async t => {
  const { url, music } = await build(t, { ADMIN_TOKEN: 'secret' })
  const cli = async (env: Record<string, string>, ...args: string[]) => await run(music, { MIXTAPE_URL: url, ...env }, args)
  t.match(await cli({}, 'why'), { code: 2, err: /missing required argument 'path'/ })
  t.match(await cli({}, 'precache', 'a', '--quality', 'best'), { code: 2, err: /Allowed choices are high, medium, low/ })
  t.match(await cli({ ADMIN_TOKEN: 'wrong' }, 'stats'), { code: 3, err: /needs the admin token.*ADMIN_TOKEN gives it/ })
  t.match(await cli({ MIXTAPE_URL: 'http://127.0.0.1:1' }, 'stats'), { code: 3, err: /^http:\/\/127\.0\.0\.1:1 does not answer/ })
  t.match(await cli({}, 'precache', 'x\n\u001b[31m.m3u'), { code: 2, err: 'x\\u000a\\u001b[31m.m3u cannot be read on this machine\n' })
  t.match(await cli({ ADMIN_TOKEN: 'secret' }, 'stats'), { code: 1, out: /Workers +unknown: Redis does not answer/ })
})

t.test('doctor finds what is wrong', async t => {
  const { url } = await testRedis(t)
  const dir = testFolder(t, { music: { 'a.flac': '' }, empty: {} })
  const env = { REDIS_URL: url, MUSIC_ROOT: join(dir, 'music'), AUDIO_CACHE_DIR: join(dir, 'cache'), AUDIO_CACHE_MIN_FREE: '1B' }
  const well = await run(dir, env, ['doctor'])
  t.match(well, { code: 0, out: /ok +ffmpeg .*libmp3lame.*ok +Redis writes +accepted.*ok +Redis eviction +noeviction.*ok +Clock.*warn +Workers +none is running.*ok +Cache .*ok +Cache file system +appends, syncs and renames/s })
  const redis = new Redis(url)
  await redis.config('SET', 'maxmemory', '1mb')
  t.match(await run(dir, env, ['doctor']), { code: 1, out: /bad +Redis writes +Redis is out of memory/ })
  await redis.config('SET', 'maxmemory', '0', 'maxmemory-policy', 'allkeys-lru')
  redis.disconnect()
  const { code, out } = await run(dir, { ...env, MUSIC_ROOT: join(dir, 'empty'), AUDIO_CACHE_DIR: join(dir, 'music/a.flac/cache'), PATH: '/nonexistent', AUDIO_CACHE_MIN_FREE: '1B' }, ['--json', 'doctor'])
  t.equal(code, 1)
  t.same(JSON.parse(out).findings.filter(({ state }: { state: string }) => state === 'bad').map(({ check }: { check: string }) => check), [
    'ffmpeg', 'Redis eviction', 'Library', 'Cache'
  ])
  t.match(await run(dir, { ...env, MUSIC_ROOT: dir }, ['doctor']), { code: 2, err: /overlaps MUSIC_ROOT/ })
})
