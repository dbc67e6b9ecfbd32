import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePrerequisites, modified, run } from './prerequisites.js'

/** `npm test [-- file …]`: installs, builds, and runs all tests with coverage, or the given files without coverage. */
ensurePrerequisites({
  chromium: {},
  curl: {},
  faketime: {},
  mpg123: {},
  mpv: {},
  nginx: { apt: 'nginx-light' },
  'systemd-analyze': { apt: 'systemd' },
  prometheus: {},
  // On Debian, sox needs a package for each format.
  sox: { apt: 'sox libsox-fmt-mp3', works: () => / mp3 /.test(spawnSync('sox', ['--help'], { encoding: 'utf8' }).stdout) }
})
// tap builds itself with the plugins of .taprc. It would do so while it runs, and use them only the next time.
if (modified('node_modules/@tapjs/test/test-built/package.json') < Math.max(modified('.taprc'), modified('node_modules/.package-lock.json'))) {
  run('node_modules/.bin/tap', ['build'], 'tap could not be built')
}
const args = process.argv.slice(2)
const isPartial = args.some(arg => !arg.startsWith('-'))
const tracks = mkdtempSync(join(tmpdir(), 'test-tracks-'))
const tap = spawn('node_modules/.bin/tap', [...args, ...isPartial ? ['--disable-coverage'] : []], {
  stdio: 'inherit',
  env: {
    ...process.env,
    TEST_TRACKS: tracks,
    // tsx compiles the tests. ts-node, which is a plugin of tap, takes 5 s more of CPU for a test file that imports the streaming
    // service (14 instead of 9). An option of the environment comes before those of tap: its coverage needs that.
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=tsx`
  }
})
process.on('SIGINT', () => {}) // tap gets it too, and ends
process.on('SIGTERM', () => { tap.kill() })
tap.on('exit', (code, signal) => {
  rmSync(tracks, { recursive: true, force: true })
  process.exitCode = signal ? 1 : code
})
