import { t } from 'tap'
import { cacheFixture } from '../../../test/fixtures/audio-cache.ts'
import { queueFixture } from '../../../test/fixtures/queue.ts'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { precache } from '../src/precache.ts'

t.test('what tracks lack is enqueued, and each path is counted once', async t => {
  const { producer, monitor } = queueFixture(t, (await testRedis(t)).url)
  const { library, cache, publish } = cacheFixture(t, ['a.flac', 'b.wav', 'c.mp3'])
  await publish('a.flac', 'low')
  const paths = ['a.flac', 'b.wav', 'a.flac', 'c.mp3', 'gone.flac', '../a.flac']
  const run = async () => await precache({ library, cache, producer }, { paths, qualities: ['medium', 'low'], reason: 'mixtape' })
  const rest = { cached: 1, not_transcodable: 1, missing: ['gone.flac', '../a.flac'] }
  t.strictSame(await run(), { enqueued: 3, ...rest })
  t.strictSame(await run(), { enqueued: 0, ...rest }, 'they wait already')
  t.equal((await monitor.state()).waiting.mixtape.jobs, 3)
})
