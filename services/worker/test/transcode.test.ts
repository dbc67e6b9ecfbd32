import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { testFolder } from '../../../test/fixtures/folder.ts'
import { makeTrack } from '../../../test/fixtures/tracks.ts'
import { SourceError } from '../src/run-ffmpeg.ts'
import { transcode } from '../src/transcode.ts'

const { signal } = new AbortController()

t.test('an ffmpeg that a signal ends is no SourceError', async t => {
  const input = makeTrack(join(testFolder(t), 'a.wav'), { seconds: 600 })
  const { pid } = process
  let isKilled = false
  // A terminal or systemd sends a signal to ffmpeg too.
  const write = async () => {
    if (isKilled) return false
    isKilled = true
    for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')) {
      process.kill(Number(child), 'SIGTERM')
    }
    return false
  }
  const error: unknown = await transcode({ input, samples: 600 * 44100, bitrate: 128, niceness: 10, signal, write }).catch(error => error)
  t.match(error, { message: /code 255/ })
  t.notOk(error instanceof SourceError)
})

t.test('an ffmpeg that cannot be run or prints nothing is no SourceError', async t => {
  const dir = testFolder(t)
  const input = makeTrack(join(dir, 'a.wav'))
  const { PATH } = process.env
  t.teardown(() => { process.env.PATH = PATH })
  process.env.PATH = `${dir}:${PATH}`
  for (const [status, message] of [[127, /code 127/], [0, /did not tell/]] as const) {
    writeFileSync(join(dir, 'ffmpeg'), `#!/bin/sh\nexit ${status}\n`, { mode: 0o755 })
    const error: unknown = await transcode({
      input, samples: 88200, bitrate: 128, niceness: 10, signal, write: async () => false
    }).catch(error => error)
    t.match(error, { message })
    t.notOk(error instanceof SourceError)
  }
})

t.test('transcode() writes nothing after it has rejected', async t => {
  const input = makeTrack(join(testFolder(t), 'a.wav'), { seconds: 600 })
  const stop = new AbortController()
  let [writing, calls] = [0, 0]
  const write = async () => {
    writing++
    if (++calls === 2) stop.abort(new Error('enough'))
    for (let turns = 0; turns < 100_000; turns++) await new Promise(resolve => { setImmediate(resolve) })
    writing--
    return false
  }
  await t.rejects(transcode({ input, samples: 600 * 44100, bitrate: 320, niceness: 10, signal: stop.signal, write }), { message: 'enough' })
  t.equal(writing, 0)
  const before = calls
  for (let turns = 0; turns < 200_000; turns++) await new Promise(resolve => { setImmediate(resolve) })
  t.equal(calls, before)
})
