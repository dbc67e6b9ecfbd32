import { execFileSync } from 'node:child_process'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { makeTrack } from '../../../test/fixtures/tracks.ts'
import { oggLength } from '../src/ogg-length.ts'
import { probe } from '../src/probe.ts'
import { SourceError } from '../src/run-ffmpeg.ts'

const background = { niceness: 10, signal: new AbortController().signal }

t.test('probe() returns the length of every kind of source, in samples at 44.1 kHz', async t => {
  const dir = t.testdir()
  for (const [name, rate, options] of [
    ['a.flac', 44100, []], ['b.flac', 96000, []], ['a.wav', 48000, []], ['a.ogg', 44100, ['-c:a', 'libvorbis']],
    ['opus.ogg', 48000, ['-c:a', 'libopus']], ['a.m4a', 44100, ['-c:a', 'aac']], ['alac.m4a', 48000, ['-c:a', 'alac']]
  ] as const) {
    const input = makeTrack(join(dir, name), { seconds: 3, rate, options: [...options] })
    const { samples } = await probe({ input, ...background })
    t.ok(Math.abs(samples - 3 * 44100) <= 44, `${name}: ${samples}`)
  }
})

t.test('the samples of a FLAC that was written to a pipe, and so has no length, are counted', async t => {
  const file = join(t.testdir(), 'piped.flac')
  const wav = readFileSync(makeTrack(join(t.testdirName, 'a.wav'), { seconds: 2 }))
  writeFileSync(file, execFileSync('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-f', 'flac', 'pipe:1'], { input: wav }))
  t.equal((await probe({ input: file, ...background })).samples, 2 * 44100)
})

t.test('the length of an Ogg is read from its pages, to the sample', async t => {
  const dir = t.testdir()
  for (const codec of ['libvorbis', 'libopus']) {
    const file = makeTrack(join(dir, `${codec}.ogg`), { seconds: 3, rate: 48000, options: ['-c:a', codec] })
    t.equal(await oggLength(file, background.signal), 3 * 48000, codec)
    t.equal((await probe({ input: file, ...background })).samples, 3 * 44100, codec)
  }
})

t.test('the pages of an Ogg do not tell its length where it is chained, cut off, or no Ogg at all', async t => {
  const dir = t.testdir()
  const whole = readFileSync(makeTrack(join(dir, 'a.ogg'), { seconds: 2 }))
  for (const [name, bytes] of Object.entries({
    'twice the same.ogg': Buffer.concat([whole, whole]),
    'cut.ogg': whole.subarray(0, whole.length / 2),
    'with a gap.ogg': Buffer.concat([whole.subarray(0, 10_000), whole.subarray(10_001)]),
    'tag at the end.ogg': Buffer.concat([whole, Buffer.from('TAG'.padEnd(128))]),
    'empty.ogg': Buffer.alloc(0),
    'no.ogg': Buffer.from('This is no Ogg. Its length is not to be found in it.')
  })) {
    writeFileSync(join(dir, name), bytes)
    t.equal(await oggLength(join(dir, name), background.signal), undefined, name)
  }
})

t.test('an Ogg whose time does not start at zero is as long as its audio', async t => {
  const file = makeTrack(join(t.testdir(), 'a.ogg'), { seconds: 2, options: ['-output_ts_offset', '10'] })
  t.equal(await oggLength(file, background.signal), undefined)
  t.ok(Math.abs((await probe({ input: file, ...background })).samples - 2 * 44100) < 1000)
})

t.test('the length of a chained Ogg file is that of both streams', async t => {
  const dir = t.testdir()
  const file = makeTrack(join(dir, 'a.ogg'), { seconds: 2 })
  appendFileSync(file, readFileSync(makeTrack(join(dir, 'b.ogg'), { seconds: 1, options: ['-serial_offset', '7'] })))
  t.ok(Math.abs((await probe({ input: file, ...background })).samples - 3 * 44100) < 1000)
})

t.test('probe() returns tags by their usual names', async t => {
  const dir = t.testdir()
  const tags = { title: 'Title', artist: 'Artist', album: 'Album', track: '3', date: '1999', genre: 'Jazz' }
  for (const name of ['a.flac', 'a.ogg', 'a.m4a', 'a.wav']) {
    const input = makeTrack(join(dir, name), { tags })
    t.match((await probe({ input, ...background })).tags, tags, name)
  }
})

t.test('a file without audio is a SourceError', async t => {
  const dir = t.testdir({ 'text.flac': 'hello', 'empty.flac': '', 'list.flac': 'ffconcat version 1.0\nfile other.flac\n' })
  for (const name of ['text.flac', 'empty.flac', 'list.flac']) {
    t.ok(await probe({ input: join(dir, name), ...background }).catch(error => error) instanceof SourceError, name)
  }
})

t.test('the samples of a WAV that was written to a pipe, and so has no length, are counted', async t => {
  const file = makeTrack(join(t.testdir(), 'a.wav'), { options: ['-bitexact'] })
  const bytes = readFileSync(file)
  // These are the lengths that sox writes to a pipe.
  bytes.writeUInt32LE(0x7ffff024, 4)
  bytes.writeUInt32LE(0x7ffff000, 40)
  writeFileSync(file, bytes)
  t.match(await probe({ input: file, ...background }), { samples: 88200 })
})
