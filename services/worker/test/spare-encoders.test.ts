import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { t } from 'tap'
import { bitrates } from '@mixtape/mp3'
import { testFolder } from '../../../test/fixtures/folder.ts'
import { ffmpegPids, until } from '../../../test/fixtures/services.ts'
import { makeTrack } from '../../../test/fixtures/tracks.ts'
import { probe } from '../src/probe.ts'
import { preloadCapabilities } from '../src/run-ffmpeg.ts'
import { SpareEncoder, SpareEncoders } from '../src/spare-encoders.ts'
import { transcode, type TranscodeRun } from '../src/transcode.ts'

const { signal } = new AbortController()
const log = pino({ level: 'silent' })
const { PATH } = process.env
const TMPDIR = testFolder(t)

process.env.TMPDIR = TMPDIR
await preloadCapabilities()

/** Runs something while every ffmpeg that is started fails. */
async function withoutFfmpeg<T> (run: () => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'no-ffmpeg-'))
  writeFileSync(join(dir, 'ffmpeg'), '#!/bin/sh\nexit 127\n', { mode: 0o755 })
  process.env.PATH = `${dir}:${PATH}`
  return await run().finally(() => {
    process.env.PATH = PATH
    rmSync(dir, { recursive: true })
  })
}

/** @returns a spare encoder whose ffmpeg has started */
async function startSpare (bitrate: number): Promise<SpareEncoder> {
  const before = ffmpegPids(process.pid)
  const spare = new SpareEncoder(bitrate)
  await until(() => ffmpegPids(process.pid).some(pid => !before.includes(pid)))
  return spare
}

async function encode (options: Pick<TranscodeRun, 'input' | 'samples'> & Partial<TranscodeRun>): Promise<Buffer> {
  const chunks: Buffer[] = []
  await transcode({ bitrate: 192, niceness: 0, signal, write: async chunk => chunks.push(chunk) < 0, ...options })
  return Buffer.concat(chunks)
}

/** @returns what has one encoder, and where it is told of failures */
function only (spare: SpareEncoder, warnings: unknown[] = []): NonNullable<TranscodeRun['spares']> {
  return { take: () => spare, warn: error => { warnings.push(error) } }
}

/** Encodes with a spare encoder, and nothing else. */
async function encodeWithSpare (options: Pick<TranscodeRun, 'input' | 'samples'> & Partial<TranscodeRun>): Promise<Buffer> {
  const spare = await startSpare(options.bitrate ?? 192)
  return await withoutFfmpeg(async () => await encode({ ...options, spares: only(spare) }))
}

t.test('a spare encoder gives the same bytes as one that is started for the source', async t => {
  const dir = testFolder(t)
  const sources: Record<string, Parameters<typeof makeTrack>[1]> = {
    'a.flac': {},
    'mono.flac': { channels: 1, rate: 48000 },
    'six.flac': { channels: 6, rate: 96000 },
    '24 bit.flac': { options: ['-sample_fmt', 's32'] },
    'a.wav': { rate: 22050 },
    '24 bit.wav': { rate: 96000, options: ['-c:a', 'pcm_s24le'] },
    'alac.m4a': { rate: 48000, options: ['-c:a', 'alac'] },
    'late.m4a': { options: ['-c:a', 'alac', '-output_ts_offset', '5'] },
    'aac.m4a': { options: ['-c:a', 'aac'] },
    'a.aac': {},
    'vorbis.ogg': { options: ['-c:a', 'libvorbis'] },
    'late.ogg': { options: ['-c:a', 'libvorbis', '-output_ts_offset', '10'] },
    'opus.ogg': { options: ['-c:a', 'libopus'] },
    'a.wma': {},
    'a.aiff': {}
  }
  for (const [name, options] of Object.entries(sources)) {
    const input = makeTrack(join(dir, name), { seconds: 15, ...options })
    const { samples, isSeekable, startTime } = await probe({ input, niceness: 0, signal })
    for (const firstBlock of isSeekable ? [0, 8] : [0]) {
      const expected = await encode({ input, samples, firstBlock, startTime })
      t.ok(expected.length > 0 && expected.equals(await encodeWithSpare({ input, samples, firstBlock, startTime })), `${name} from block ${firstBlock}`)
    }
  }
  t.strictSame(readdirSync(TMPDIR), [])
})

t.test('a chained, a damaged and a short source give the same bytes', async t => {
  const dir = testFolder(t)
  const ogg = readFileSync(makeTrack(join(dir, 'a.ogg'), { seconds: 5 }))
  const flac = readFileSync(makeTrack(join(dir, 'a.flac'), { seconds: 10 }))
  for (const [name, bytes, seconds] of [
    ['chained.ogg', Buffer.concat([ogg, ogg]), 10], ['cut.flac', flac.subarray(0, flac.length / 2), 10],
    ['gap.flac', Buffer.concat([flac.subarray(0, 500_000), flac.subarray(600_000)]), 10],
    ['short.flac', readFileSync(makeTrack(join(dir, 'short.flac'), { seconds: 0.01 })), 0.01]
  ] as const) {
    const input = join(dir, name)
    writeFileSync(input, bytes)
    const samples = seconds * 44100
    const expected = await encode({ input, samples })
    t.ok(expected.length > 0 && expected.equals(await encodeWithSpare({ input, samples })), name)
  }
})

t.test('each quality has spare encoders, which are replaced', async t => {
  const input = makeTrack(join(testFolder(t), 'a.flac'))
  const spares = new SpareEncoders(log)
  t.teardown(() => { spares.close() })
  spares.start()
  await until(() => ffmpegPids(process.pid).length === 6)
  const first = ffmpegPids(process.pid)
  for (const bitrate of Object.values(bitrates)) {
    t.ok((await encode({ input, samples: 88200, bitrate, spares })).equals(await encode({ input, samples: 88200, bitrate })))
  }
  await until(() => ffmpegPids(process.pid).length === 6)
  t.equal(ffmpegPids(process.pid).filter(pid => first.includes(pid)).length, 3)
  t.equal(spares.take('/music/line\nbreak.flac', 192), undefined, 'a script cannot name it')
  spares.close()
  spares.start()
  t.equal(spares.take(input, 192), undefined)
  await until(() => ffmpegPids(process.pid).length === 0)
})

t.test('names that a script could take for something else', async t => {
  const dir = testFolder(t)
  for (const name of ["o'neil's \\ 'x'.flac", '-i.flac', '%d #1?.flac', ' Ünï  音 .flac', '$HOME;`id`.flac']) {
    const input = makeTrack(join(dir, name))
    t.ok((await encodeWithSpare({ input, samples: 88200 })).length > 40_000, name)
  }
})

t.test('where a spare encoder cannot encode a source, another ffmpeg does', async t => {
  const dir = testFolder(t)
  const input = makeTrack(join(dir, 'a.flac'))
  const expected = await encode({ input, samples: 88200 })
  const warnings: unknown[] = []

  const ended = await withoutFfmpeg(async () => {
    const spare = new SpareEncoder(192)
    await until(() => spare.hasEnded)
    return spare
  })
  t.ok(expected.equals(await encode({ input, samples: 88200, spares: only(ended, warnings) })), 'it has ended')

  const killed = await startSpare(192)
  for (const pid of ffmpegPids(process.pid)) process.kill(pid, 'SIGKILL')
  t.ok(expected.equals(await encode({ input, samples: 88200, spares: only(killed, warnings) })), 'it was killed')

  t.teardown(() => { process.env.TMPDIR = TMPDIR })
  process.env.TMPDIR = join(dir, 'missing')
  const homeless = await startSpare(192)
  t.ok(expected.equals(await encode({ input, samples: 88200, spares: only(homeless, warnings) })), 'it cannot be told the filters')
  t.equal(warnings.length, 3)
  await until(() => ffmpegPids(process.pid).length === 0)

  writeFileSync(input, 'no FLAC')
  const refusing = await startSpare(192)
  await t.rejects(encode({ input, samples: 88200, spares: only(refusing, warnings) }))
  t.equal(warnings.length, 3, 'no warning where the source is at fault')
})

t.test('a source that is a script names no other file', async t => {
  const dir = testFolder(t)
  makeTrack(join(dir, 'a.flac'))
  const input = join(dir, 'b.flac')
  for (const script of ['ffconcat version 1.0\nfile a.flac\n', '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.flac\n#EXT-X-ENDLIST\n']) {
    writeFileSync(input, script)
    await t.rejects(encodeWithSpare({ input, samples: 88200 }))
  }
})

t.test('a run that is aborted ends its encoder', async t => {
  const input = makeTrack(join(testFolder(t), 'a.wav'), { seconds: 600 })
  const stop = new AbortController()
  const spare = await startSpare(192)
  const run = encode({
    input,
    samples: 600 * 44100,
    spares: only(spare),
    signal: stop.signal,
    write: async () => {
      stop.abort(new Error('enough'))
      return false
    }
  })
  await t.rejects(run, { message: 'enough' })
  await until(() => ffmpegPids(process.pid).length === 0)
  t.strictSame(readdirSync(TMPDIR), [])
})

t.test('what is written belongs to the run, not to the start of its encoder', async t => {
  const input = makeTrack(join(testFolder(t), 'a.flac'))
  const storage = new AsyncLocalStorage<string>()
  const spare = await storage.run('another job', async () => await startSpare(192))
  const seen = new Set<string | undefined>()
  const write = async () => {
    seen.add(storage.getStore())
    return false
  }
  await storage.run('this job', async () => await encode({ input, samples: 88200, spares: only(spare), write }))
  t.strictSame([...seen], ['this job'])
})
