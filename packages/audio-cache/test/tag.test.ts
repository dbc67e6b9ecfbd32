import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { describe, makeTrack } from '../../../test/tracks.ts'
import { id3v1, id3v2, readProvenance, type Provenance } from '../src/tag.ts'

const provenance: Provenance = { file: 'Wie schön – 1.flac', version: '1-2', samples: 3, profile: 1, generation: 'abc' }

t.test('provenance is read back, and other tools read the tags', async t => {
  const tags = {
    title: 'Größe 音',
    artist: 'A & B',
    album: 'C',
    album_artist: 'D',
    track: '3/9',
    disc: '1/2',
    date: '1999-02-03',
    genre: 'Jazz',
    replaygain_track_gain: '-7.10 dB'
  }
  const tag = id3v2(tags, provenance)
  t.same(readProvenance(tag), { ...provenance, tagSize: tag.length })

  const bare = makeTrack(join(t.testdir(), 'bare.mp3'), { options: ['-id3v2_version', '0'] })
  writeFileSync(bare, Buffer.concat([tag, readFileSync(bare), id3v1(tag)]))
  const { replaygain_track_gain: gain, ...text } = tags
  t.match((await describe(bare)).tags, { ...text, REPLAYGAIN_TRACK_GAIN: gain })
})

t.test('a tag of another tool, or none, has no provenance', async t => {
  const file = makeTrack(join(t.testdir(), 'other.mp3'), { tags: { title: 'x' } })
  t.equal(readProvenance(readFileSync(file)), undefined)
  t.equal(readProvenance(Buffer.alloc(0)), undefined)
  t.equal(readProvenance(Buffer.from('ID3\x04\0\0\x7f\x7f\x7f\x7fTXXX', 'latin1')), undefined)
  const broken = Buffer.from(id3v2({}, provenance).toString('latin1').replace('{', '['), 'latin1')
  t.equal(readProvenance(broken), undefined)
})

t.test('the tag stays small, whatever the source says, and provenance within reach', async t => {
  const tag = id3v2({ title: 'x'.repeat(1e6), replaygain_track_gain: '7'.repeat(1e6) }, { ...provenance, file: `${'é'.repeat(120)}.flac` })
  t.ok(tag.length < 2048)
  t.ok(readProvenance(tag.subarray(0, 2048)))
})

t.test('ID3v1 has 128 bytes and survives every character', async t => {
  const tag = id3v1(id3v2({ title: '音'.repeat(50), track: '300', date: '1999-02-03' }, provenance))
  t.equal(tag.length, 128)
  t.equal(tag.toString('latin1', 0, 3), 'TAG')
  t.equal(tag.toString('latin1', 93, 97), '1999')
})
