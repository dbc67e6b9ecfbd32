import { t } from 'tap'
import { encodePath, isFolderPath, isPicturePath, isTrackPath, mediaType } from '../src/index.ts'

const outside = ['/a', '../a', 'a/../b', './a', 'a//b', 'a/./b', '.hidden', 'a/.hidden/b', 'a\0b', 'a\ud83c']

t.test('a track has an audio extension, in upper or lower case, and a path inside of the library', async t => {
  for (const path of ['a.flac', 'jazz/So What.FLAC', 'a/b/c.mp3']) t.ok(isTrackPath(path), path)
  for (const path of ['', 'a', 'flac', '.flac', 'a.flac/', 'cover.jpg', ...outside.map(path => `${path}.flac`)]) {
    t.notOk(isTrackPath(path), JSON.stringify(path))
  }
})

t.test('a picture is none that can contain scripts', async t => {
  t.ok(isPicturePath('jazz/cover.JPG'))
  for (const path of ['cover.svg', 'a.flac', ...outside.map(path => `${path}.jpg`)]) t.notOk(isPicturePath(path), JSON.stringify(path))
})

t.test('a folder may be the library itself', async t => {
  for (const path of ['', 'jazz', 'jazz/miles davis']) t.ok(isFolderPath(path), path)
  for (const path of outside) t.notOk(isFolderPath(path), JSON.stringify(path))
})

t.test('every path can be encoded for a URL', async t => {
  t.equal(encodePath('jazz/So What? 🎺.flac'), 'jazz/So%20What%3F%20%F0%9F%8E%BA.flac')
  t.equal(encodePath('a\ud83c.flac'), 'a%EF%BF%BD.flac')
})

t.test('the media type follows from the extension', async t => {
  t.equal(mediaType('a.M4A'), 'audio/mp4')
  t.equal(mediaType('a.txt'), undefined)
})
