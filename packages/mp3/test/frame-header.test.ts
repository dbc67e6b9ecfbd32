import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { makeTrack } from '../../../test/fixtures/tracks.ts'
import { isInfoFrame, parseFrameHeader } from '../src/frame-header.ts'

t.test('the headers lead from frame to frame, at every version, sample rate and bitrate', async t => {
  const dir = t.testdir()
  for (const [rate, bitrates] of [
    [44100, [32, 128, 320]], [48000, [40, 320]], [32000, [64]], [22050, [8, 160]], [24000, [56]], [16000, [144]],
    [11025, [16]], [12000, [64]], [8000, [8]]
  ] as const) {
    for (const bitrate of bitrates) {
      const file = makeTrack(join(dir, 'a.mp3'), {
        rate, channels: rate > 30_000 ? 2 : 1, options: ['-b:a', `${bitrate}k`, '-id3v2_version', '0']
      })
      const bytes = readFileSync(file)
      const description = `${bitrate} kbit/s at ${rate} Hz`
      t.ok(isInfoFrame(bytes), description)
      let [position, samples] = [0, 0]
      while (position < bytes.length) {
        const header = parseFrameHeader(bytes.readUInt32BE(position))
        if (header?.sampleRate !== rate) return t.fail(`${description}: no header at ${position}`)
        if (position > 0) t.notOk(isInfoFrame(bytes.subarray(position, position + header.size)))
        position += header.size
        samples += header.samples
      }
      t.equal(position, bytes.length, description)
      t.ok(Math.abs(samples - 2 * rate) < 5 * 1152, description)
    }
  }
})

t.test('other bytes are no header', async t => {
  for (const header of [0, 0x49443304, 0xfffd9000, 0xffeb9000, 0xfffb0000, 0xfffbf000, 0xfffb9c00, 0xffffffff]) {
    t.equal(parseFrameHeader(header), undefined, header.toString(16))
  }
})
