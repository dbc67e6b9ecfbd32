import { t } from 'tap'
import { id3v2Size } from '../src/id3v2.ts'
import { TIMESTAMP_TAG_SIZE, timestampTag } from '../src/timestamp-tag.ts'

t.test('the tag is the one of RFC 8216, byte for byte', async t => {
  const expected = Buffer.concat([
    Buffer.from('ID3\x04\0\0\0\0\0\x3fPRIV\0\0\0\x35\0\0', 'latin1'),
    Buffer.from('com.apple.streaming.transportStreamTimestamp\0'),
    Buffer.from([0, 0, 0, 0, 0, 8, 0xca, 0]) // 6.4 s * 90,000
  ])
  t.same(timestampTag(6.4 * 44100, 44100), expected)
  t.equal(expected.length, TIMESTAMP_TAG_SIZE)
  t.equal(id3v2Size(expected), TIMESTAMP_TAG_SIZE)
})

t.test('a timestamp is rounded to a tick, and starts again after 2^33 ticks', async t => {
  const ticks = (sample: number, rate: number) => Number(timestampTag(sample, rate).readBigUInt64BE(TIMESTAMP_TAG_SIZE - 8))
  t.equal(ticks(0, 44100), 0)
  t.equal(ticks(1152, 44100), 2351) // 2351.02
  t.equal(ticks(1152, 48000), 2160)
  t.equal(ticks(30 * 3600 * 48000, 48000), 30 * 3600 * 90_000 - 2 ** 33)
})
