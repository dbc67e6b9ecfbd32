import { execFileSync } from 'node:child_process'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { makeTrack } from '../../../test/fixtures/tracks.ts'
import { readHeader } from '../src/source-header.ts'

const { signal } = new AbortController()
const read = async (file: string) => await readHeader(file, signal)

/** @returns the samples per channel that ffmpeg decodes, at 44.1 kHz */
function decode (file: string): number {
  const { length } = execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-ar', '44100', '-f', 's16le', '-ac', '1', 'pipe:1'], { maxBuffer: 1 << 28 })
  return length / 2
}

t.test('the length that a source states is that of what ffmpeg decodes', async t => {
  const dir = t.testdir()
  for (const [name, rate, options, isCertain] of [
    ['a.flac', 44100, [], true], ['b.flac', 96000, ['-sample_fmt', 's32'], true],
    ['a.wav', 48000, [], true], ['b.wav', 22050, [], true],
    ['alac.m4a', 44100, ['-c:a', 'alac'], true], ['alac48.m4a', 48000, ['-c:a', 'alac'], true],
    ['fast.m4a', 44100, ['-c:a', 'alac', '-movflags', '+faststart'], true],
    ['aac.m4a', 44100, ['-c:a', 'aac'], false], ['aac48.m4a', 48000, ['-c:a', 'aac'], false],
    ['no-edits.m4a', 44100, ['-c:a', 'alac', '-use_editlist', '0'], true],
    ['vorbis.ogg', 44100, ['-c:a', 'libvorbis'], false], ['opus.ogg', 48000, ['-c:a', 'libopus'], false]
  ] as const) {
    const seconds = 1 + Math.random() * 5
    const input = makeTrack(join(dir, name), { seconds, rate, options: [...options] })
    const header = await read(input)
    // The last packet of a lossy codec may be decoded to its end, and the edit list of ffmpeg counts in milliseconds.
    const tolerance = name.endsWith('.flac') || name.endsWith('.wav') ? 1 : 1100
    t.ok(header && Math.abs(header.samples - decode(input)) <= tolerance, `${name}: ${header?.samples}, ${decode(input)}`)
    t.match(header, { isCertain, isSeekable: isCertain }, name)
  }
})

t.test('all tags that a transcode keeps are read', async t => {
  const dir = t.testdir()
  const tags = {
    title: 'Größe 音', artist: 'A & B', album: 'C', album_artist: 'D', track: '3/9', disc: '1/2', date: '1999-02-03', genre: 'Jazz'
  }
  for (const name of ['a.flac', 'a.ogg', 'a.opus']) {
    const file = makeTrack(join(dir, name), { rate: 48000, tags: { ...tags, REPLAYGAIN_TRACK_GAIN: '-7.10 dB' } })
    t.match((await read(file))?.tags, { ...tags, replaygain_track_gain: '-7.10 dB' }, name)
  }
  for (const codec of ['aac', 'alac']) {
    t.match((await read(makeTrack(join(dir, `${codec}.m4a`), { tags, options: ['-c:a', codec] })))?.tags, tags, codec)
  }
  t.match((await read(makeTrack(join(dir, 'track.m4a'), { tags: { track: '3' } })))?.tags, { track: '3' })
  const vinyl = makeTrack(join(dir, 'vinyl.flac'), { tags: { TRACKNUMBER: 'B2', YEAR: '1959', ALBUMARTIST: 'E' } })
  t.match((await read(vinyl))?.tags, { track: 'B2', date: '1959', album_artist: 'E' })
  const wav = makeTrack(join(dir, 'a.wav'), { tags: { title: 'A', artist: 'B', track: '3', genre: 'Jazz' } })
  t.match((await read(wav))?.tags, { title: 'A', artist: 'B', track: '3', genre: 'Jazz' })
  t.match((await read(makeTrack(join(dir, 'bare.flac'))))?.tags, { title: undefined, track: undefined, date: undefined })
})

t.test('where a source does not state its length, nothing is read', async t => {
  const dir = t.testdir({ 'text.flac': 'no music', 'empty.wav': '', 'text.m4a': 'no music either, and no boxes' })
  for (const name of ['text.flac', 'empty.wav', 'text.m4a']) t.equal(await read(join(dir, name)), undefined, name)
  for (const [name, options] of [
    ['fact.wav', ['-c:a', 'pcm_f32le']], ['alaw.wav', ['-c:a', 'pcm_alaw']],
    ['fragments.m4a', ['-c:a', 'aac', '-movflags', 'frag_keyframe+empty_moov']]
  ] as const) {
    t.equal(await read(makeTrack(join(dir, name), { options: [...options] })), undefined, name)
  }
  const two = join(dir, 'two.m4a')
  execFileSync('ffmpeg', ['-v', 'error', '-i', makeTrack(join(dir, 'one.m4a')), '-map', '0:a', '-map', '0:a', '-c', 'copy', two])
  t.equal(await read(two), undefined, 'two audio tracks')
  t.equal(await read(makeTrack(join(dir, 'utf8.wav'), { tags: { title: 'Größe' } })), undefined, 'text that is not ASCII')
  const wav = readFileSync(makeTrack(join(dir, 'a.wav'), { options: ['-bitexact'] }))
  writeFileSync(join(dir, 'piped.flac'), execFileSync('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-f', 'flac', 'pipe:1'], { input: wav }))
  t.equal(await read(join(dir, 'piped.flac')), undefined, 'a FLAC that was written to a pipe')
})

t.test('an AAC of iTunes, which has no edit list, has the length of its note for gapless play', async t => {
  const file = makeTrack(join(t.testdir(), 'a.m4a'), { seconds: 5, tags: { title: 'A' }, options: ['-c:a', 'aac', '-use_editlist', '0'] })
  writeFileSync(file, withGaplessNote(readFileSync(file), { priming: 2112, samples: 4 * 44100 }))
  t.equal((await read(file))?.samples, 4 * 44100)
})

/** Adds a `----` box with iTunSMPB to an MP4 whose description comes last, so that no position in it changes. */
function withGaplessNote (mp4: Buffer, { priming, samples }: { priming: number, samples: number }): Buffer {
  const box = (type: string, body: Buffer) => {
    const header = Buffer.alloc(8)
    header.writeUInt32BE(body.length + 8)
    header.write(type, 4)
    return Buffer.concat([header, body])
  }
  const text = (type: string, text: string) => box(type, Buffer.from(`\0\0\0\0${text}`))
  const hex = (number: number, digits: number) => number.toString(16).toUpperCase().padStart(digits, '0')
  const note = ` 00000000 ${hex(priming, 8)} 00000000 ${hex(samples, 16)} 00000000 00000000`
  const added = box('----', Buffer.concat([
    text('mean', 'com.apple.iTunes'), text('name', 'iTunSMPB'), box('data', Buffer.from(`\0\0\0\x01\0\0\0\0${note}`))
  ]))
  const bytes = Buffer.concat([mp4])
  const parents = ['moov', 'udta', 'meta', 'ilst'].map(type => bytes.indexOf(type) - 4)
  const end = parents[3]! + bytes.readUInt32BE(parents[3])
  for (const parent of parents) bytes.writeUInt32BE(bytes.readUInt32BE(parent) + added.length, parent)
  return Buffer.concat([bytes.subarray(0, end), added, bytes.subarray(end)])
}

t.test('an MP4 that is cut off or damaged anywhere in its description does no harm', async t => {
  const dir = t.testdir()
  const file = join(dir, 'damaged.m4a')
  const whole = readFileSync(makeTrack(join(dir, 'a.m4a'), { seconds: 1, options: ['-movflags', '+faststart'] }))
  const description = whole.indexOf('mdat')
  for (let position = 0; position < description; position += 23) {
    const bytes = Buffer.from(whole)
    bytes.fill(0xff, position, position + 4)
    writeFileSync(file, position % 2 ? bytes : whole.subarray(0, position))
    const header = await read(file)
    t.ok(header === undefined || (Number.isSafeInteger(header.samples) && header.samples > 0), `at ${position}`)
  }
})

t.test('a WAV that is shorter than its header states has the length of its samples', async t => {
  const input = makeTrack(join(t.testdir(), 'a.wav'), { options: ['-bitexact'] })
  for (const size of [0x7ffff000, 0xffffffff]) { // as sox and ffmpeg write to a pipe
    const bytes = readFileSync(input)
    bytes.writeUInt32LE(size, 40)
    writeFileSync(input, bytes)
    t.equal((await read(input))?.samples, 88200)
  }
  truncateSync(input, 44 + 4 * 20_000)
  t.equal((await read(input))?.samples, 20_000)
})
