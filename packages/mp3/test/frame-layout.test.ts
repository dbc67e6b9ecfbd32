import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { decodedSamples } from '../../../test/fixtures/tracks.ts'
import { infoFrame, mp3Size } from '../src/frame-layout.ts'
import { bitrates, transcodeQualities, type TranscodeQuality } from '../src/qualities.ts'

/** Encodes noise. @returns the frames, without tag and Info frame */
function encode (file: string, samples: number, quality: TranscodeQuality): Buffer {
  execFileSync('ffmpeg', [
    '-v', 'error', '-y', '-f', 'lavfi', '-i', 'anoisesrc=r=44100:a=0.3', '-af',
    `aformat=channel_layouts=stereo,atrim=end_sample=${samples}`, '-c:a', 'libmp3lame', '-b:a', `${bitrates[quality]}k`,
    '-reservoir', '0', '-write_xing', '0', '-id3v2_version', '0', '-f', 'mp3', file
  ])
  return readFileSync(file)
}

t.test('mp3Size() is the size that LAME produces, for any length', async t => {
  const file = join(t.testdir(), 'frames.mp3')
  const edges = [1, 2, 575, 576, 577, 1151, 1152, 1153, 2303, 2304, 2305, 44100, 25 * 44100]
  const random = Array.from({ length: 12 }, () => 1 + Math.floor(Math.random() * 400_000))
  for (const samples of [...edges, ...random]) {
    for (const quality of transcodeQualities) {
      const info = infoFrame(samples, quality)
      t.equal(info.length + encode(file, samples, quality).length, mp3Size(samples, quality), `${samples} at ${quality}`)
    }
  }
})

t.test('a decoder returns exactly the samples of the source, so that there is no gap between two tracks', async t => {
  const dir = t.testdir()
  for (const samples of [1153, 44100, 100_001]) {
    for (const quality of transcodeQualities) {
      const file = join(dir, 'track.mp3')
      writeFileSync(file, Buffer.concat([infoFrame(samples, quality), encode(join(dir, 'frames.mp3'), samples, quality)]))
      t.equal(decodedSamples(file), samples, `${samples} at ${quality}`)
    }
  }
})
