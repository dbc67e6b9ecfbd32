import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * Programs that the services need, and the package of each by package manager. Without an entry, the package has the name
 * of the program. dnf gets the path of a file, because the package that contains it differs between releases of Fedora.
 *
 * @typedef {{ apt?: string, dnf?: string, apk?: string, brew?: string, works?: () => boolean }} Program `works` tells
 * whether a program on the PATH has all that is needed
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
 * Installs missing programs and npm packages, and builds. Prints what it installs. Ends the process where that fails.
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
    // Without RUNLEVEL=1, an init other than systemd starts the Redis service of Debian.
    const apt = [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', '-qq']
    run(apt[0], [...apt.slice(1), 'update'], 'apt-get update failed')
    const install = ['install', '-y', '--no-install-recommends', ...packages('apt').split(' ')]
    run(apt[0], [...apt.slice(1), ...install], 'apt-get install failed')
    const started = ['redis-server', 'nginx', 'prometheus'].filter(name => missing.includes(name))
    if (started.length > 0 && existsSync('/run/systemd/system')) {
      run(root[0], [...root.slice(1), 'systemctl', 'disable', '--now', ...started], 'Could not stop what Debian started')
    }
    return
  }
  const manager = ['apt-get', 'dnf', 'apk', 'brew'].find(isOnPath)?.replace('-get', '') ?? 'apt'
  stop(`${missing.join(', ')} not found. Install with:\n\n  ${INSTALL[manager]} ${packages(manager)}\n`)
}

/** @returns the words before a command that run it as root without a password; undefined where that is impossible */
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

/** Runs a command. Where it fails, prints its output and ends this process. */
export function run (command, args, failure) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (status !== 0) stop(`${failure}: ${error?.message ?? ''}\n${stdout ?? ''}${stderr ?? ''}`)
}

/** @returns when a file of the project was changed, in milliseconds since 1970; 0 where there is none */
export function modified (file) {
  return statSync(join(ROOT, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
}

function stop (message) {
  console.error(message)
  process.exit(1)
}
