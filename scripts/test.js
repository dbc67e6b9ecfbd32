import { spawn, spawnSync } from 'node:child_process'
import { ensurePrerequisites } from './prerequisites.js'

// Every test that needs a Redis starts one of its own (test/redis.ts), so that none sees another's jobs.
ensurePrerequisites({
  chromium: {},
  curl: {},
  mpg123: {},
  mpv: {},
  nginx: { apt: 'nginx-light' },
  // Debian packs the formats of sox one by one.
  sox: { apt: 'sox libsox-fmt-mp3', works: () => / mp3 /.test(spawnSync('sox', ['--help'], { encoding: 'utf8' }).stdout) }
})
spawn('node_modules/.bin/tap', process.argv.slice(2), { stdio: 'inherit' })
  .on('exit', (code, signal) => { process.exitCode = signal ? 1 : code })
