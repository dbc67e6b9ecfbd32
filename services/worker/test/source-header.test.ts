import { execFileSync } from 'node:child_process'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { makeTrack } from '../../../test/fixtures/tracks.ts'
import { readHeader } from '../src/source-header.ts'

/** Samples per channel that ffmpeg decodes. */
function decode (file: string): number {
  return execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-f', 's16le', '-ac', '1', 'pipe:1'], { maxBuffer: 1 << 28 }).length / 2
}

t.test('the header of FLAC and WAV states exactly the samples that ffmpeg decodes', async t => {
  const dir = t.testdir()
  for (const [name, rate, options] of [
    ['a.flac', 44100, []], ['b.flac', 96000, ['-sample_fmt', 's32']], ['a.wav', 48000, []], ['b.wav', 22050, []]
  ] as const) {
    const seconds = 1 + Math.random() * 5
    const input = makeTrack(join(dir, name), { seconds, rate, options: [...options] })
    const header = await readHeader(input)
    t.equal(header?.sourceSamples, decode(input), name)
    t.equal(header?.samples, Math.ceil(decode(input) * 44100 / rate), name)
  }
})

t.test('all tags that a transcode keeps are read', async t => {
  const dir = t.testdir()
  const tags = {
    title: 'Größe 音', artist: 'A & B', album: 'C', album_artist: 'D', track: '3/9', disc: '1/2', date: '1999-02-03', genre: 'Jazz'
  }
  const flac = makeTrack(join(dir, 'a.flac'), { tags: { ...tags, REPLAYGAIN_TRACK_GAIN: '-7.10 dB' } })
  t.match((await readHeader(flac))?.tags, { ...tags, replaygain_track_gain: '-7.10 dB' })
  const vinyl = makeTrack(join(dir, 'vinyl.flac'), { tags: { TRACKNUMBER: 'B2', YEAR: '1959', ALBUMARTIST: 'E' } })
  t.match((await readHeader(vinyl))?.tags, { track: 'B2', date: '1959', album_artist: 'E' })
  const wav = makeTrack(join(dir, 'a.wav'), { tags: { title: 'A', artist: 'B', track: '3', genre: 'Jazz' } })
  t.match((await readHeader(wav))?.tags, { title: 'A', artist: 'B', track: '3', genre: 'Jazz' })
  t.match((await readHeader(makeTrack(join(dir, 'bare.flac'))))?.tags, { title: undefined, track: undefined, date: undefined })
})

t.test('where the header does not state the exact length, it is not trusted', async t => {
  const dir = t.testdir({ 'text.flac': 'no music', 'empty.wav': '' })
  for (const name of ['text.flac', 'empty.wav']) t.equal(await readHeader(join(dir, name)), undefined, name)
  for (const [name, options] of [['a.ogg', ['-c:a', 'libvorbis']], ['a.m4a', ['-c:a', 'aac']], ['alac.m4a', ['-c:a', 'alac']],
    ['fact.wav', ['-c:a', 'pcm_f32le']], ['alaw.wav', ['-c:a', 'pcm_alaw']]] as const) {
    t.equal(await readHeader(makeTrack(join(dir, name), { options: [...options] })), undefined, name)
  }
  t.equal(await readHeader(makeTrack(join(dir, 'utf8.wav'), { tags: { title: 'Größe' } })), undefined, 'text that is not ASCII')
  const wav = readFileSync(makeTrack(join(dir, 'a.wav'), { options: ['-bitexact'] }))
  writeFileSync(join(dir, 'piped.flac'), execFileSync('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-f', 'flac', 'pipe:1'], { input: wav }))
  t.equal(await readHeader(join(dir, 'piped.flac')), undefined, 'a FLAC that was written to a pipe')
})

t.test('a WAV that is shorter than its header states has the length of its samples', async t => {
  const input = makeTrack(join(t.testdir(), 'a.wav'), { options: ['-bitexact'] })
  for (const size of [0x7ffff000, 0xffffffff]) { // as sox and ffmpeg write to a pipe
    const bytes = readFileSync(input)
    bytes.writeUInt32LE(size, 40)
    writeFileSync(input, bytes)
    t.equal((await readHeader(input))?.sourceSamples, 88200)
  }
  truncateSync(input, 44 + 4 * 20_000)
  t.equal((await readHeader(input))?.sourceSamples, 20_000)
})
