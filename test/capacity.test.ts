import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { t } from 'tap'
import { withoutHooks } from './fixtures/services.ts'

const run = (...args: string[]) => spawnSync(...withoutHooks(process.execPath, 'bench/capacity.js', ...args), {
  cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8'
})

t.test('docs/scaling.md shows what the script prints', async t => {
  const docs = readFileSync(new URL('../docs/scaling.md', import.meta.url), 'utf8')
  t.ok(docs.includes(`\`\`\`\n${run().stdout}\`\`\``))
})

t.test('an input of another machine replaces a measured one, and a wrong one is named', async t => {
  t.match(run('transcodeSeconds=72').stdout, /6,000 track-minutes transcoded an hour/)
  for (const wrong of ['speed=2', 'kbit=0', 'kbit=fast', 'kbit']) {
    const { status, stderr } = run(wrong)
    t.equal(status, 1)
    t.match(stderr, `"${wrong}" is no input. Allowed: name=value`)
  }
})
