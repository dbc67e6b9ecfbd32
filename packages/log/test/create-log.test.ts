import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { t } from 'tap'

const SCRIPT = `
  import { createLog } from '${new URL('../dist/index.js', import.meta.url).href}'
  import { setTimeout } from 'node:timers/promises'
  const log = createLog({ level: 'info' })
  for (let i = 0; i < 3000; i++) log.info('Cache hit: ' + i + ' → medium quality')
  log.info('x'.repeat(100_000))
  log.debug('below the level')
  await setTimeout(200) // now all lines are written
  log.info('the last')
  if (process.argv[1] === 'throws') throw new Error('a bug')
  process.exit()`

const run = promisify(execFile)

/** @returns the messages of log lines */
function messages (stdout: string): string[] {
  return stdout.trimEnd().split('\n').map(line => JSON.parse(line).msg)
}

t.test('no line is lost, split or out of order, whether the process exits or throws', async t => {
  const expected = [
    ...Array.from({ length: 3000 }, (_, i) => `Cache hit: ${i} → medium quality`), 'x'.repeat(100_000), 'the last'
  ]
  const options = ['--input-type=module', '-e', SCRIPT]
  const exited = await run(process.execPath, options, { maxBuffer: 1e8 })
  t.same(messages(exited.stdout), expected)
  const crashed: { stdout: string, stderr: string } = await run(process.execPath, [...options, 'throws'], { maxBuffer: 1e8 })
    .then(() => t.fail('did not throw'), error => error)
  t.same(messages(crashed.stdout), expected)
  t.match(crashed.stderr, /a bug/)
})
