import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { t, type Test } from 'tap'
import { makeTrack } from '../../../test/fixtures/tracks.ts'
import { childProgram } from '../src/child-program.ts'

const uint32 = (...numbers: number[]) => Buffer.from(Uint32Array.from(numbers).buffer).swap32()

/** A box of an ISO media file (ISO 14496-12, 4.2). */
function box (type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([uint32(body.length + 8), Buffer.from(type), body])
}

/** An M4A of 545 bytes that states 80 million samples of one byte each. ffmpeg makes an index of 1.9 GB of them. */
function bomb (t: Test): string {
  const samples = 80_000_000
  const mp4a = box('mp4a', uint32(0, 1, 0, 0, 0x20010, 0), uint32(44100 * 65536))
  const stbl = box('stbl',
    box('stsd', uint32(0, 1), mp4a), box('stts', uint32(0, 1, samples, 1024)), box('stsc', uint32(0, 1, 1, samples, 1)),
    box('stsz', uint32(0, 1, samples)), box('stco', uint32(0, 1, 48)))
  const hdlr = box('hdlr', Buffer.alloc(8), Buffer.from('soun'), Buffer.alloc(13))
  const mdia = box('mdia', box('mdhd', uint32(0, 0, 0, 44100, 44100, 0)), hdlr, box('minf', stbl))
  const moov = box('moov', box('mvhd', uint32(0, 0, 0, 1000, 1000), Buffer.alloc(80)), box('trak', box('tkhd', Buffer.alloc(84)), mdia))
  const file = join(t.testdir(), 'bomb.m4a')
  writeFileSync(file, Buffer.concat([box('ftyp', Buffer.from('M4A '), uint32(0), Buffer.from('isom')), moov, box('mdat', Buffer.alloc(64))]))
  return file
}

/** Lists the packets that ffprobe finds, with all that bounds a child of the worker. */
async function packets (file: string): Promise<unknown[]> {
  const args = ['-v', 'error', '-show_packets', '-read_intervals', '%+#1', '-of', 'json', file]
  const { stdout } = await promisify(execFile)(childProgram('ffprobe'), args)
  return JSON.parse(stdout).packets
}

t.test('a file of some bytes that would take gigabytes gets none of them', async t => {
  const file = bomb(t)
  t.strictSame(await packets(file), [], 'there is no memory for its index')
  t.equal((await packets(makeTrack(join(t.testdirName, 'a.m4a')))).length, 1, 'other files have packets')
})
