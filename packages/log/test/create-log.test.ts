import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { t } from 'tap'

/** What a file name can hold: a line break, escape sequences with U+001B and U+009B, and an override of the direction. */
const EVIL = 'a\nFAKE\u001b[45m\u009b32m\u202e.flac'

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

// eslint-disable-next-line no-control-regex
const ACTIVE = /(?!\n)[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/

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

const EVIL_SCRIPT = `
  import { createLog } from '${new URL('../dist/index.js', import.meta.url).href}'
  const log = createLog({ level: 'info' })
  log.info({ path: ${JSON.stringify(EVIL)} }, ${JSON.stringify(`Cached: ${EVIL}`)})
  log.error(new Error(${JSON.stringify(`no ${EVIL}`)}))`

t.test('a file name can forge neither lines nor colours, and JSON means the same', async t => {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', EVIL_SCRIPT])
  const lines = stdout.trimEnd().split('\n')
  t.equal(lines.length, 2)
  t.notMatch(stdout, ACTIVE)
  t.match(JSON.parse(lines[0] ?? ''), { path: EVIL, msg: `Cached: ${EVIL}` })
})

t.test('on a terminal such characters are shown', async t => {
  const file = join(t.testdir({ 'evil.js': EVIL_SCRIPT, 'package.json': '{"type":"module"}' }), 'evil.js')
  const { stdout } = await run('script', ['-qec', `${process.execPath} ${file}`, '/dev/null'], { env: { ...process.env, TERM: 'xterm' } })
  const shown = 'a\\nFAKE\\u001b[45m\\u009b32m\\u202e.flac'
  // eslint-disable-next-line no-control-regex
  const text = stdout.replaceAll(/\u001b\[3\dm/g, '') // the colours of pino-pretty
  t.notMatch(text.replaceAll(/\r?\n/g, ''), ACTIVE)
  t.match(text, `Cached: ${shown}`)
  t.match(text, `no ${shown}`)
  t.notMatch(text, /^FAKE/m)
  t.match(text, /^ +at /m, 'a stack has its lines')
})
