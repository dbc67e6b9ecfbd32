import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { BLOCK_SAMPLES, blockBytes } from '@mixtape/mp3'
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

t.test('a run in mid-track gives the bytes of a run from the start after loud passages and fades', async t => {
  const firstBlock = 6
  const samples = 8 * BLOCK_SAMPLES
  const dir = testFolder(t)
  /** @param sound left and right, as an expression of aevalsrc in ffmpeg-filters(1): `n` is the sample, `t` the time */
  const check = async (name: string, sound: string) => {
    const input = join(dir, 'sound.wav')
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', `aevalsrc='${sound}':s=44100:d=11`, input])
    const encode = async (options: { firstBlock?: number }) => {
      const chunks: Buffer[] = []
      const write = async (chunk: Buffer) => chunks.push(chunk) < 0
      await transcode({ input, samples, bitrate: 192, niceness: 10, signal, ...options, write })
      return Buffer.concat(chunks)
    }
    const fromStart = (await encode({})).subarray(firstBlock * blockBytes('medium'))
    t.ok(fromStart.length > blockBytes('medium') && fromStart.equals(await encode({ firstBlock })), name)
  }
  for (const blocks of [1, 2, 3]) {
    const end = (firstBlock - blocks) * BLOCK_SAMPLES
    const level = `if(lt(n,${end}),0.8,0.00025)`
    await check(`a loud passage that ends ${blocks} blocks before`, `(2*random(0)-1)*${level}|(2*random(1)-1)*${level}`)
  }
  const fadeStart = (firstBlock - 2) * BLOCK_SAMPLES - 24_000
  const level = `if(lt(n,${fadeStart}),1,exp(-1.543*(n-${fadeStart})/44100))`
  const tone = `(sin(2000*PI*t)+sin(6200*PI*t))*${level}`
  await check('a fade of 13.4 dB a second', `0.125*${tone}|0.1*${tone}`)
})
