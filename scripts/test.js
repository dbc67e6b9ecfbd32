import { spawn } from 'node:child_process'
import { ensurePrerequisites } from './prerequisites.js'

// Every test that needs a Redis starts one of its own (test/redis.ts), so that none sees another's jobs.
ensurePrerequisites()
spawn('node_modules/.bin/tap', process.argv.slice(2), { stdio: 'inherit' })
  .on('exit', (code, signal) => { process.exitCode = signal ? 1 : code })
