import { Redis } from 'ioredis'
import { t, type Test } from 'tap'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { Plays } from '../src/plays.ts'

async function setUp (t: Test) {
  const redis = new Redis((await testRedis(t)).url)
  t.teardown(() => redis.disconnect())
  return new Plays(redis)
}

t.test('tracks are ordered by how often they were started', async t => {
  const plays = await setUp(t)
  await plays.countTracks(new Map([['a.flac', 1], ['b.flac', 3]]))
  await plays.countTracks(new Map([['c.flac', 2]]))
  t.same(await plays.popular(2), ['b.flac', 'c.flac'])
  t.same(await plays.popular(0), [])
})

t.test('the least popular quality comes first', async t => {
  const plays = await setUp(t)
  await plays.countQualities(new Map([['high', 3], ['low', 1]]))
  t.same(await plays.leastPlayedQualities(['high', 'medium', 'low']), ['medium', 'low', 'high'])
})

t.test('the last play of a cached file is kept until forget() is called', async t => {
  const plays = await setUp(t)
  const before = Date.now()
  await plays.touch(['a_low.mp3', 'b_low.mp3'])
  await plays.forget(['b_low.mp3'])
  const [a, b] = await plays.lastPlayed(['a_low.mp3', 'b_low.mp3'])
  t.ok(a !== undefined && a >= before && a <= Date.now())
  t.equal(b, undefined)
  t.same(await plays.lastPlayed([]), [])
})
