import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnChild } from './child.js'
import { makeDemoLibrary } from './demo-library.js'
import { freePort } from './free-port.js'
import { ensurePrerequisites } from './prerequisites.js'
import { startRedis } from './redis.js'
import { STREAMING, WORKER } from './services.js'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
try {
  process.loadEnvFile()
} catch (error) {
  if (error.code !== 'ENOENT') throw error
}
const env = { ...process.env }
const host = env.HOST || '127.0.0.1'
try {
  // Asked first: what already answers there would pass for the service that cannot start. A PORT that is none is left
  // to the service, which says what is allowed.
  if (/^\d{0,5}$/.test(env.PORT ?? '')) env.PORT = `${await freePort(host, Number(env.PORT || 5000))}`
} catch (error) {
  console.error(`HOST and PORT: ${error.message}`)
  process.exit(1)
}

ensurePrerequisites()
if (!env.MUSIC_ROOT) makeDemoLibrary(env.MUSIC_ROOT = resolve('data/music'))

/** What runs, in the order in which it is started; it ends in the other order. */
const running = []
let ending

process.on('SIGINT', () => end(0))
process.on('SIGTERM', () => end(0))
process.on('SIGHUP', () => end(0))

if (!env.REDIS_URL) {
  const redis = await startRedis({ dir: resolve('data/redis') }).catch(error => {
    console.error(error.message)
    process.exit(1)
  })
  env.REDIS_URL = redis.url
  watch('Redis', redis.child)
}
if (!ending) start('The worker', WORKER.args)
if (!ending) start('The streaming service', STREAMING.args)
if (!ending) await greet()

function start (name, args) {
  watch(name, spawnChild(process.execPath, args, { env, stdio: 'inherit' }))
}

function watch (name, child) {
  const exited = once(child, 'exit')
  running.push({ child, exited })
  exited.then(([code, signal]) => {
    if (ending) return
    console.error(`${name} ended by itself (${signal ?? `status ${code}`}); ending the others`)
    end(signal ? 128 + constants.signals[signal] : code || 1)
  })
}

/**
 * The first call ends everything in order; a second one, from an impatient Ctrl-C, at once. npm passes on the signal
 * that the terminal sends to everybody, so that one Ctrl-C may come twice.
 */
async function end (status) {
  if (ending) {
    if (Date.now() - ending > 500) running.forEach(({ child }) => killGroup(child))
    return
  }
  ending = Date.now()
  for (const { child, exited } of running.toReversed()) {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await exited
  }
  process.exit(status)
}

/** With the worker goes its ffmpeg. */
function killGroup ({ pid, exitCode, signalCode }) {
  if (exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL')
}

async function greet () {
  const name = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host)
  const address = `http://${name}:${env.PORT}`
  for (let live = false; !live;) {
    await new Promise(resolve => setTimeout(resolve, 50))
    if (ending) return
    live = await fetch(`${address}/health/live`).then(({ ok }) => ok, () => false)
  }
  const track = firstTrack(env.MUSIC_ROOT)
  const url = `${address}/play/${track === undefined ? '<path of a track>' : urlPath(track)}`
  const token = env.ADMIN_TOKEN ? '-H "Authorization: Bearer $ADMIN_TOKEN" ' : ''
  console.log(`
Listening on ${address}/ - try:

  curl -I '${url}'
  curl -I '${url}?quality=medium'     # a miss; seconds later a hit
  curl ${token}${address}/admin/cache/stats

Ctrl-C ends it.
`)
}

/** An apostrophe is allowed in a URL, and would end the quotes of the shell. */
function urlPath (path) {
  return path.split('/').map(encodeURIComponent).join('/').replaceAll("'", '%27')
}

/** A track that is worth transcoding, for the lines to try; a large library is not searched to its end. */
function firstTrack (root) {
  const extensions = (env.AUDIO_CACHE_TRANSCODE_EXTENSIONS || '.flac,.wav,.ogg,.m4a').split(',')
  const folders = ['']
  for (let seen = 0; folders.length > 0 && seen < 1000; seen++) {
    const folder = folders.shift()
    for (const entry of entries(join(root, folder))) {
      if (entry.name.startsWith('.')) continue
      const path = folder ? `${folder}/${entry.name}` : entry.name
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile() && extensions.includes(extname(path).toLowerCase())) return path
    }
  }
}

/** What cannot be read, or is not there, is the service's to complain of. */
function entries (dir) {
  try {
    return readdirSync(dir, { withFileTypes: true })
  } catch {
    return []
  }
}
