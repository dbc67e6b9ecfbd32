import { readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { t, type Test } from 'tap'
import { cacheFixture } from '../../../test/fixtures/audio-cache.ts'
import { clearDeadParts } from '../src/upkeep/clear.ts'

const LOW = 20_480
const SAMPLES = 100 * 49 * 1152
/** Each block has bytes of its own. */
const block = (i: number) => Buffer.alloc(LOW, i + 1)
const blocks = (first: number, end: number) => Buffer.concat(Array.from({ length: end - first }, (_, i) => block(first + i)))

async function setUp (t: Test) {
  const { library, cache } = cacheFixture(t, ['a.flac'])
  const track = (await library.open('a.flac'))!
  const part = await cache.createPart(track, 'low', { findable: true })
  part.layOut(SAMPLES, {})
  const segments = cache.segments(track, 'low', SAMPLES)
  await part.start(segments)
  t.teardown(async () => {
    await part.discard()
    await track.close()
  })
  const hidden = () => readdirSync(cache.dir).filter(name => name.endsWith('.segments')).flatMap(name => readdirSync(join(cache.dir, name)))
  return { cache, track, part, segments, hidden }
}

t.test('a part takes over a segment that is far ahead and agrees with it', async t => {
  const { part, segments, hidden } = await setUp(t)
  await part.append(blocks(0, 4))
  const segment = (await segments.create(3))!
  await segment.append(blocks(3, 10))
  t.notOk(await part.isOvertaken(), 'too near')
  await segment.append(Buffer.concat([blocks(10, 30), Buffer.alloc(100)]))
  t.ok(await part.isOvertaken(), 'it is still being written')
  await segment.finish(1e9)
  t.match(hidden(), [/^3-30\.\w+\.done$/], 'whole blocks are kept')
  t.ok(await part.takeOver())
  t.equal(part.blocks, 30)
  t.notOk(await part.takeOver())
  part.rewindTo(29)
  await part.append(blocks(29, 31))
  t.equal(part.blocks, 31)
})

t.test('a segment whose overlap differs is refused, and so is an encoder that goes on differently behind it', async t => {
  const { part, segments } = await setUp(t)
  await part.append(blocks(0, 3))
  const wrong = (await segments.create(2))!
  await wrong.append(Buffer.concat([block(99), blocks(3, 40)]))
  await t.rejects(part.takeOver(), { message: /different bytes/ })
  await wrong.discard()
  const right = (await segments.create(2))!
  await right.append(blocks(2, 40))
  await right.finish(1e9)
  t.ok(await part.takeOver())
  part.rewindTo(39)
  await t.rejects(part.append(block(98)), { message: /different bytes/ })
})

t.test('a growing file reads from segments, and asks for one where it would wait for long', async t => {
  const { cache, track, part, segments } = await setUp(t)
  await part.append(blocks(0, 2))
  const requested: unknown[] = []
  const growing = await cache.findGrowing(track, 'low', (_segments, wanted) => {
    requested.push(wanted)
    return () => {}
  })
  if (typeof growing !== 'object') throw new Error('no growing file')
  t.teardown(async () => await growing.close())
  const start = growing.size - 128 - (part.missing + 2 * LOW)
  const buffer = Buffer.alloc(LOW)
  const read = growing.read(buffer, LOW, start + 50 * LOW, () => false)
  const segment = (await segments.create(50))!
  await segment.append(blocks(50, 51))
  t.equal(await read, LOW)
  t.ok(buffer.equals(block(50)))
  t.match(requested, requested.length ? [{ first: 50, end: 144 }] : [])
  await segment.append(blocks(51, 60))
  await segment.finish(1e9)
  t.equal(await growing.read(buffer, LOW, start + 59 * LOW, () => false), LOW, 'also when it is complete')
  t.ok(buffer.equals(block(59)))
})

t.test('segments of dead workers are not used, and deleted; complete ones are kept for a day', async t => {
  const { cache, segments, hidden } = await setUp(t)
  const dead = (await segments.create(1))!
  await dead.append(blocks(1, 40))
  const done = (await segments.create(50))!
  await done.append(blocks(50, 60))
  await done.finish(1e9)
  const dir = join(cache.dir, readdirSync(cache.dir).find(name => name.endsWith('.segments'))!)
  const touch = (ending: string, secondsAgo: number) => {
    const time = Date.now() / 1000 - secondsAgo
    utimesSync(join(dir, readdirSync(dir).find(name => name.endsWith(ending))!), time, time)
  }
  touch('.growing', 6)
  touch('.done', 23 * 3600)
  t.notOk(await segments.find(2 * LOW, 3 * LOW))
  const found = await segments.find(50 * LOW, 60 * LOW)
  t.ok(found)
  await found?.file.close()
  t.equal(await clearDeadParts(cache.dir), 1)
  t.match(hidden(), [/^50-60/])
  touch('.done', 25 * 3600)
  t.equal(await clearDeadParts(cache.dir), 1)
  await dead.discard()
})
