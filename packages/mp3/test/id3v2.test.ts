import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { ffprobe, makeTrack } from '../../../test/fixtures/tracks.ts'
import { id3v1 } from '../src/id3v1.ts'
import { id3v2, id3v2Size, readUserText } from '../src/id3v2.ts'

const userText = { description: 'mixtape-audio', value: '{"file":"Wie schön – 1.flac"}' }

t.test('ffprobe reads the tags', async t => {
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
  const tag = id3v2(tags, userText)
  const bare = makeTrack(join(t.testdir(), 'bare.mp3'), { options: ['-id3v2_version', '0'] })
  writeFileSync(bare, Buffer.concat([tag, readFileSync(bare), id3v1(tag)]))
  const { replaygain_track_gain: gain, ...text } = tags
  t.match((await ffprobe(bare)).tags, { ...text, REPLAYGAIN_TRACK_GAIN: gain })
})

t.test('the user text and the size are read back', async t => {
  const tag = id3v2({ title: 'x' }, userText)
  t.equal(readUserText(tag, 'mixtape-audio'), userText.value)
  t.equal(readUserText(tag, 'other'), undefined)
  t.equal(id3v2Size(tag), tag.length)
})

t.test('a file of another tool, or without a tag, has no user text', async t => {
  const file = makeTrack(join(t.testdir(), 'other.mp3'), { tags: { title: 'x' } })
  t.equal(readUserText(readFileSync(file), 'mixtape-audio'), undefined)
  t.equal(readUserText(Buffer.alloc(0), 'mixtape-audio'), undefined)
  t.equal(readUserText(Buffer.from('ID3\x04\0\0\x7f\x7f\x7f\x7fTXXX', 'latin1'), 'mixtape-audio'), undefined)
})

t.test('long texts are cut', async t => {
  t.ok(id3v2({ title: 'x'.repeat(1e6), replaygain_track_gain: '7'.repeat(1e6) }, userText).length < 2048)
})
