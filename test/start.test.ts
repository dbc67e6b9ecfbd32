import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { t, type Test } from 'tap'
import { freePort } from '../scripts/free-port.js'
import { testFolder } from './fixtures/folder.ts'
import { testRedis } from './fixtures/redis.ts'
import { until, withoutHooks } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const NPM_START = ['npm', 'start', '--silent'] as const

/** Runs `npm start`, or what does the same, in the project folder. @returns the process, its exit, and a function that returns all its output */
async function start (t: Test, env: NodeJS.ProcessEnv, [program, ...args]: readonly [string, ...string[]] = NPM_START) {
  const child = spawn(...withoutHooks(program, ...args), {
    cwd: ROOT, env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe']
  })
  const exited = once(child, 'exit')
  const output: string[] = []
  child.stdout.on('data', data => output.push(`${data}`))
  child.stderr.on('data', data => output.push(`${data}`))
  t.teardown(async () => {
    child.kill('SIGTERM')
    await exited
  })
  return { child, exited, output: () => output.join('') }
}

/** Makes a library with one track and a Redis. @returns the environment that names them */
async function setUp (t: Test) {
  const dir = testFolder(t, { music: {}, cache: {} })
  const redis = await testRedis(t)
  makeTrack(join(dir, 'music/a.flac'))
  const env = {
    MUSIC_ROOT: join(dir, 'music'),
    AUDIO_CACHE_DIR: join(dir, 'cache'),
    REDIS_URL: redis.url,
    PORT: `${await freePort()}`,
    LOG_LEVEL: 'silent'
  }
  return { env }
}

/** @returns the ids of all processes whose environment has this variable, written as NAME=value */
function processesWith (variable: string): number[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(pid => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(variable)
    } catch {
      return false
    }
  })
}

for (const [command, signal] of [
  [NPM_START, 'SIGTERM'], [NPM_START, 'SIGKILL'], [[process.execPath, 'cli/bin.js', 'start'], 'SIGTERM']
] as const) {
  t.test(`${signal} to ${command.join(' ')} ends all processes`, async t => {
    const { env } = await setUp(t)
    const { child, exited, output } = await start(t, env, command)
    await until(() => output().includes('Ctrl-C ends it'))
    t.match(output(), /Listening on http:\/\/127\.0\.0\.1:\d+\/\n\nTry:/, 'no problem is printed')
    t.match(output(), /curl -I '.*\/play\/a.flac\?quality=medium'/)
    t.match(output(), /npx mixtape-audio --url http:\/\/127\.0\.0\.1:\d+ why 'a\.flac'/)
    t.ok(processesWith(`PORT=${env.PORT}`).length >= 3)
    child.kill(signal)
    await exited
    await until(() => processesWith(`PORT=${env.PORT}`).length === 0)
  })
}

t.test('where nothing is installed yet, npm start and npm test tell what is missing', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'test-start-')) // outside of the project, whose packages would be found
  t.teardown(() => rmSync(dir, { recursive: true }))
  cpSync(join(ROOT, 'scripts'), join(dir, 'scripts'), { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(dir, 'package.json'))
  for (const script of ['start.js', 'test.js']) {
    const { status, stderr } = spawnSync(process.execPath, [join(dir, 'scripts', script)], { env: { PATH: dir }, encoding: 'utf8' })
    t.match({ status, stderr }, { status: 1, stderr: /^ffmpeg.* not found\. Install with:/ }, script)
  }
})

t.test('the greeting names each problem, and what still works', async t => {
  const { env } = await setUp(t)
  const { output } = await start(t, { ...env, MUSIC_ROOT: '/nope', REDIS_URL: 'redis://:secret@127.0.0.1:1' })
  await until(() => output().includes('Ctrl-C ends it'))
  t.match(output(), /! MUSIC_ROOT is \/nope, which cannot be read: nothing can be played/)
  t.match(output(), /! Redis at redis:\/\/127\.0\.0\.1:1 is not reachable: originals and cached files are played/)
  t.notMatch(output(), /secret/)
})

t.test('a wrong environment variable stops the start before any process runs', async t => {
  const { env } = await setUp(t)
  for (const [wrong, message] of [
    [{ PORT: '99999' }, 'PORT is "99999". Allowed: a whole number from 0 to 65535.\n'],
    [{ AUDIO_CACHE_ON_MISS: 'wait' }, 'AUDIO_CACHE_ON_MISS is "wait". Allowed: original or transcode.\n']
  ] as const) {
    const { exited, output } = await start(t, { ...env, ...wrong })
    t.equal((await exited)[0], 1)
    t.equal(output(), message)
  }
})

t.test('a port that is in use stops the start, and the message names it', async t => {
  const { env } = await setUp(t)
  const port = new URL(env.REDIS_URL).port
  const { exited, output } = await start(t, { ...env, PORT: port })
  t.equal((await exited)[0], 1)
  t.equal(output(), `PORT is ${port}, where another program listens already.\n`)
})
