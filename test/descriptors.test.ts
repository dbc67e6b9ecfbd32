import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { t } from 'tap'
import { testFolder } from './fixtures/folder.ts'
import { http } from './fixtures/http.ts'
import { testRedis } from './fixtures/redis.ts'
import { startStreaming, until } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

t.test('a service with 256 descriptors plays 400 tracks, and survives 400 idle connections', async t => {
  const dir = testFolder(t, { music: {}, cache: {} })
  const music = join(dir, 'music')
  const redis = await testRedis(t)
  const streaming = await startStreaming(t, { MUSIC_ROOT: music, AUDIO_CACHE_DIR: join(dir, 'cache'), REDIS_URL: redis.url })
  execFileSync('prlimit', ['--pid', `${streaming.child.pid}`, '--nofile=256:256'])
  const track = makeTrack(join(music, '0.mp3'), { seconds: 1 })
  for (let i = 1; i < 400; i++) copyFileSync(track, join(music, `${i}.mp3`))
  for (let i = 0; i < 400; i++) t.equal((await http(streaming.url, `/play/${i}.mp3`)).status, 200, `${i}`)

  const { hostname, port } = new URL(streaming.url)
  const idle = Array.from({ length: 400 }, () => connect(Number(port), hostname).on('error', () => {}))
  await Promise.all(idle.map(socket => Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => {})))
  for (const socket of idle) socket.destroy()
  await until(async () => await http(streaming.url, '/play/7.mp3').then(({ status }) => status === 200, () => false))
})
