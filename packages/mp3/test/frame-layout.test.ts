import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { decodedSamples } from '../../../test/fixtures/tracks.ts'
import { BLOCK_FRAMES, blockBytes, frameCount, framePosition, infoFrame, mp3Size } from '../src/frame-layout.ts'
import { bitrates, transcodeQualities, type TranscodeQuality } from '../src/qualities.ts'

/** Encodes noise. @returns the frames, without tag and Info frame */
function encode (file: string, samples: number, quality: TranscodeQuality, options: string[] = []): Buffer {
  execFileSync('ffmpeg', [
    '-v', 'error', '-y', '-f', 'lavfi', '-i', 'anoisesrc=r=44100:a=0.3', '-af',
    `aformat=channel_layouts=stereo,atrim=end_sample=${samples}`, '-c:a', 'libmp3lame', '-b:a', `${bitrates[quality]}k`,
    ...options, '-write_xing', '0', '-id3v2_version', '0', '-f', 'mp3', file
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

/** Reads all frame headers. @returns the position of each frame, and at last the end of the file */
function walk (frames: Buffer, quality: TranscodeQuality): number[] {
  const positions = []
  let position = 0
  while (position < frames.length) {
    positions.push(position)
    const header = frames.readUInt32BE(position)
    if (header >>> 16 !== 0xfffb) throw new Error(`no frame header at ${position}`)
    position += Math.floor(144000 * bitrates[quality] / 44100) + (header >>> 9 & 1)
  }
  return [...positions, position]
}

t.test('every frame that LAME writes is at its position, with and without a bit reservoir', async t => {
  const file = join(t.testdir(), 'frames.mp3')
  const samples = 61 * 44100 // 48 blocks
  for (const quality of transcodeQualities) {
    const infoSize = infoFrame(samples, quality).length
    const expected = Array.from({ length: frameCount(samples) + 1 }, (_, frame) => framePosition(frame, quality) - infoSize)
    for (const options of [[], ['-reservoir', '0']]) {
      t.same(walk(encode(file, samples, quality, options), quality), expected, `${quality} ${options.join(' ')}`)
    }
  }
})

t.test('all blocks of a quality have the same size', async t => {
  for (const quality of transcodeQualities) {
    t.equal(blockBytes(quality), bitrates[quality] * 160)
    for (const block of [0, 1, 2, 1000, 1_000_000]) {
      t.equal(framePosition(block * BLOCK_FRAMES, quality), framePosition(0, quality) + block * blockBytes(quality))
    }
  }
})
