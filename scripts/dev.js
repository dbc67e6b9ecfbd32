import { once } from 'node:events'
import { spawnChild } from './child.js'
import { ensurePrerequisites } from './prerequisites.js'

/** `npm run dev streaming` or `npm run dev worker`: runs one service, and restarts it when its sources change. */
const ENTRIES = { streaming: 'services/streaming/dist/server.js', worker: 'services/worker/dist/main.js' }

const [name] = process.argv.slice(2)
if (!(name in ENTRIES)) {
  console.error(`Which service? npm run dev ${Object.keys(ENTRIES).join(', or: npm run dev ')}`)
  process.exit(1)
}
ensurePrerequisites()
const children = [
  spawnChild('node_modules/.bin/tsc', ['-b', '--watch', '--preserveWatchOutput'], { stdio: 'inherit' }),
  spawnChild(process.execPath, ['--watch', '--watch-preserve-output', ENTRIES[name]], { stdio: 'inherit' })
]
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => children.forEach(child => child.kill('SIGTERM')))
await Promise.all(children.map(child => once(child, 'exit')))
