import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * Programs the services need, and the package that brings them, by package manager: that of the program's name, where
 * none is said. dnf finds a package by the file in it: which one has ffmpeg or a Redis differs from one release of
 * Fedora to the next.
 *
 * @typedef {{ apt?: string, dnf?: string, apk?: string, brew?: string, works?: () => boolean }} Program `works` where
 * a program on the PATH may still lack what is needed
 * @type {Record<string, Program>}
 */
const PROGRAMS = {
  ffmpeg: { apt: 'ffmpeg', dnf: '/usr/bin/ffmpeg', apk: 'ffmpeg', brew: 'ffmpeg' },
  ffprobe: { apt: 'ffmpeg', dnf: '/usr/bin/ffprobe', apk: 'ffmpeg', brew: 'ffmpeg' },
  'redis-server': { apt: 'redis-server', dnf: '/usr/bin/redis-server', apk: 'redis', brew: 'redis' }
}

const INSTALL = {
  apt: 'sudo apt-get update && sudo apt-get install -y',
  dnf: 'sudo dnf install -y',
  apk: 'sudo apk add',
  brew: 'brew install'
}

/**
 * Brings what a fresh clone lacks: npm packages, programs, a build. Says what it does, and does nothing twice.
 *
 * @param {Record<string, Program>} extra further programs
 */
export function ensurePrerequisites (extra = {}) {
  ensurePrograms({ ...PROGRAMS, ...extra })
  ensureDependencies()
  run('node_modules/.bin/tsc', ['-b'], 'The build failed')
}

function ensureDependencies () {
  const installed = modified('node_modules/.package-lock.json')
  if (installed > modified('package-lock.json') && installed > modified('package.json')) return
  console.log('Installing npm packages …')
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'npm ci failed')
}

function ensurePrograms (programs) {
  const missing = Object.keys(programs).filter(name => !isOnPath(name) || programs[name].works?.() === false)
  if (missing.length === 0) return
  const packages = manager => [...new Set(missing.map(name => programs[name][manager] ?? name))].join(' ')
  const root = rootCommand()
  if (isOnPath('apt-get') && root) {
    console.log(`Installing ${packages('apt')} with apt-get, for ${missing.join(', ')} …`)
    // RUNLEVEL=1: without it an init other than systemd starts a Redis of Debian's own.
    const apt = [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', '-qq']
    run(apt[0], [...apt.slice(1), 'update'], 'apt-get update failed')
    const install = ['install', '-y', '--no-install-recommends', ...packages('apt').split(' ')]
    run(apt[0], [...apt.slice(1), ...install], 'apt-get install failed')
    const started = ['redis-server', 'nginx'].filter(name => missing.includes(name))
    if (started.length > 0 && existsSync('/run/systemd/system')) {
      run(root[0], [...root.slice(1), 'systemctl', 'disable', '--now', ...started], 'Could not stop what Debian started')
    }
    return
  }
  const manager = ['apt-get', 'dnf', 'apk', 'brew'].find(isOnPath)?.replace('-get', '') ?? 'apt'
  stop(`${missing.join(', ')} not found. Install with:\n\n  ${INSTALL[manager]} ${packages(manager)}\n`)
}

/** @returns how to run a command as root without being asked for a password, if there is a way */
function rootCommand () {
  if (process.getuid?.() === 0) return ['env']
  if (isOnPath('sudo') && spawnSync('sudo', ['-n', 'true']).status === 0) return ['sudo', '-n']
}

function isOnPath (name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.some(folder => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Shows what a command printed only where it failed. */
function run (command, args, failure) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (status !== 0) stop(`${failure}: ${error?.message ?? ''}\n${stdout ?? ''}${stderr ?? ''}`)
}

function modified (file) {
  return statSync(join(ROOT, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
}

function stop (message) {
  console.error(message)
  process.exit(1)
}
