import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { extname, join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { spawnChild } from './child.js'
import { freePort } from './free-port.js'
import { ensurePrerequisites } from './prerequisites.js'
import { startRedis } from './redis.js'
import { STREAMING, WORKER } from './services.js'

/** `npm start`: installs, builds, and runs Redis, a worker and the streaming service until a signal ends all of them. */
process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const parent = process.ppid
ensurePrerequisites()
const { processEnvironment, readConfig } = await import('../packages/config/dist/index.js')
const env = { ...processEnvironment() }
const config = await readConfiguration()
if (!env.MUSIC_ROOT) {
  // Imported here, because ensurePrerequisites() may just have installed what it imports.
  const { makeDemoLibrary } = await import('./demo-library.js')
  await makeDemoLibrary(config.MUSIC_ROOT)
}

/** The running processes, in the order of their start. They are ended in reverse order. */
const running = []
let endingSince

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(0))
// npm that is killed cannot pass the signal on. Then this process has another parent.
const parentCheck = setInterval(() => {
  if (process.ppid === parent) return
  clearInterval(parentCheck)
  end(0)
}, 500).unref()

if (!env.REDIS_URL) {
  const redis = await startRedis({ dir: resolve('data/redis') }).catch(error => fail(error.message))
  env.REDIS_URL = redis.url
  watch('Redis', redis.child)
}
// Two processes cannot have one port.
const workerEnv = config.METRICS_PORT ? { ...env, METRICS_PORT: `${config.METRICS_PORT + 1}` } : env
if (!endingSince) start('The worker', WORKER.command, workerEnv)
if (!endingSince) start('The streaming service', STREAMING.command, env)
if (!endingSince) await greet()

async function readConfiguration () {
  try {
    const config = readConfig(env)
    // Checked before the start: a server that already listens there would be taken for this one.
    env.PORT = `${await freePort(config.HOST, config.PORT)}`
    return config
  } catch (error) {
    if (error.code === 'EADDRINUSE') fail(`PORT is ${env.PORT || 5000}, where another program listens already.`)
    fail(error.code ? `HOST and PORT cannot be used: ${error.message}` : error.message)
  }
}

function fail (message) {
  console.error(message)
  process.exit(1)
}

function start (name, [program, ...args], env) {
  watch(name, spawnChild(program, args, { env, stdio: 'inherit' }))
}

/** Ends all processes when one ends by itself. */
function watch (name, child) {
  const exited = once(child, 'exit').catch(error => [1, null, error]) // an error: it could not be started
  running.push({ child, exited })
  exited.then(([code, signal, error]) => {
    if (endingSince) return
    console.error(error
      ? `${name} could not be started: ${error.message}`
      : `${name} ended by itself (${signal ?? `status ${code}`}); ending the others`)
    end(signal ? 128 + constants.signals[signal] : code || 1)
  })
}

/**
 * Ends all processes in order. A second signal kills them. Signals within 500 ms count as one: Ctrl-C reaches this
 * process twice, from the terminal and from npm.
 */
async function end (status) {
  if (endingSince) {
    if (Date.now() - endingSince > 500) running.forEach(({ child }) => killGroup(child))
    return
  }
  endingSince = Date.now()
  for (const { child, exited } of running.toReversed()) {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await exited
  }
  process.exit(status)
}

/** The group of the worker includes its ffmpeg processes. */
function killGroup ({ pid, exitCode, signalCode }) {
  if (exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL')
}

/** Waits until the streaming service answers, and prints what to try, or what is wrong. */
async function greet () {
  const { HOST } = config
  const host = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[HOST] ?? (HOST.includes(':') ? `[${HOST}]` : HOST)
  const address = `http://${host}:${env.PORT}`
  const found = await health(address)
  if (!found) return
  const track = firstTrack(config.MUSIC_ROOT)
  const url = `${address}/play/${track === undefined ? '<path of a track>' : urlPath(track)}`
  const token = env.ADMIN_TOKEN ? '-H "Authorization: Bearer $ADMIN_TOKEN" ' : ''
  const problems = problemsOf(found, track)
  console.log(`
Listening on ${address}/${problems.map(problem => `\n\n  ! ${problem}`).join('')}

Try:

  curl -I '${url}'
  curl -I '${url}?quality=medium'     # a miss; seconds later a hit
  curl ${token}${address}/admin/cache/stats
  npx mixtape-audio --url ${address} why ${track === undefined ? '<path of a track>' : shellQuoted(track)}     # is it cached, or why not?

${address}/admin/ shows what waits, runs and failed.
Ctrl-C ends it.
`)
}

/**
 * @returns the problems of /health/ready, after all is ok or two seconds have passed, or ten while only the worker is missing;
 * undefined when ending
 */
async function health (address) {
  let problems
  for (let since = Infinity; ;) {
    if (endingSince) return
    problems = await fetch(`${address}/health/ready`).then(async response => (await response.json()).problems, () => undefined)
    if (problems && since === Infinity) since = Date.now()
    const maxWait = problems?.every(({ code }) => code === 'no_worker') ? 10_000 : 2000
    if (Date.now() - since > maxWait || problems?.length === 0) return problems
    await setTimeout(50)
  }
}

/** @returns the problems in words: the health of the server, which everyone may ask for, names neither folders nor hosts */
function problemsOf (found, track) {
  const servers = env.REDIS_URL.split(',').map(url => new URL(url)).map(({ protocol, host }) => `${protocol}//${host}`)
  const words = {
    library_unreadable: `MUSIC_ROOT is ${config.MUSIC_ROOT}, which cannot be read: nothing can be played until it can.`,
    redis_unreachable: `Redis at ${servers.join(', ')} is not reachable: originals and cached files are played, ` +
      'but nothing is transcoded and mixtapes are refused. Both go on when Redis answers.',
    cache_unwritable: `AUDIO_CACHE_DIR is ${config.AUDIO_CACHE_DIR}, which cannot be written: originals are played.`
  }
  const problems = found.map(({ code, message }) => words[code] ?? message)
  if (track === undefined && !found.some(({ code }) => code.startsWith('library_'))) {
    problems.push(`MUSIC_ROOT is ${config.MUSIC_ROOT}, where no ${config.AUDIO_CACHE_TRANSCODE_EXTENSIONS.join(', ')} was found.`)
  }
  return problems
}

/** An apostrophe is valid in a URL, but would end the quoted string in the shell. */
function urlPath (path) {
  return path.split('/').map(encodeURIComponent).join('/').replaceAll("'", '%27')
}

function shellQuoted (text) {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** @returns the path of a track that can be transcoded; at most 1000 folders are searched */
function firstTrack (root) {
  const folders = ['']
  for (let searched = 0; folders.length > 0 && searched < 1000; searched++) {
    const folder = folders.shift()
    for (const entry of entries(join(root, folder))) {
      if (entry.name.startsWith('.')) continue
      const path = folder ? `${folder}/${entry.name}` : entry.name
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile() && config.AUDIO_CACHE_TRANSCODE_EXTENSIONS.includes(extname(path).toLowerCase())) return path
    }
  }
}

function entries (dir) {
  try {
    return readdirSync(dir, { withFileTypes: true })
  } catch {
    return []
  }
}
