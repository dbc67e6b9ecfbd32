import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t, type Test } from 'tap'
import { fakeClock } from '../fixtures/clock.ts'
import { testFolder } from '../fixtures/folder.ts'
import { http } from '../fixtures/http.ts'
import { queueFixture } from '../fixtures/queue.ts'
import { testRedis } from '../fixtures/redis.ts'
import { startStreaming, startWorker, until } from '../fixtures/services.ts'
import { decodedSamples, makeTrack } from '../fixtures/tracks.ts'

// An ffmpeg that is killed, or cannot be run: test/live.test.ts, services/worker/test/transcode.test.ts.

/** An ffmpeg that encodes as the first word of the file $FAULT says, and does all else as the real one. */
const FAULTY = `#!/bin/sh
case "$*" in *libmp3lame*) fault=$(cat "$FAULT");; esac
case "$fault" in
  nothing) exit 0;;
  half) "$FFMPEG" "$@" | head -c 20000; exit 0;;
  hang) trap '' TERM; exec tail -f /dev/null;;
  complain) while echo 'a line that nobody asked for' >&2; do sleep 1; done;;
  flood) yes 'a line that nobody asked for' | head -c 20000000 >&2; exec "$FFMPEG" "$@";;
  *) exec "$FFMPEG" "$@";;
esac
`

/** Starts both services, with an ffmpeg that has faults. */
async function faultySite (t: Test, workerEnv: NodeJS.ProcessEnv = {}) {
  const dir = testFolder(t, { music: {}, cache: {}, bin: {} })
  const redis = await testRedis(t)
  const { failures, monitor } = queueFixture(t, redis.url)
  const fault = join(dir, 'fault')
  const FFMPEG = execFileSync('sh', ['-c', 'command -v ffmpeg'], { encoding: 'utf8' }).trim()
  writeFileSync(join(dir, 'bin/ffmpeg'), FAULTY, { mode: 0o755 })
  const env = { MUSIC_ROOT: join(dir, 'music'), AUDIO_CACHE_DIR: join(dir, 'cache'), AUDIO_CACHE_MIN_FREE: '1B', REDIS_URL: redis.url }
  const [{ url }, worker] = await Promise.all([
    startStreaming(t, env), startWorker(t, { ...env, ...workerEnv, PATH: `${join(dir, 'bin')}:${process.env.PATH}`, FAULT: fault, FFMPEG })
  ])
  return { dir, url, worker, failures, monitor, fault }
}

for (const [name, what] of [['hang', 'hangs, and ignores SIGTERM,'], ['complain', 'only complains']] as const) {
  t.test(`an ffmpeg that ${what} is killed after a minute, and the job is tried again`, async t => {
    const { dir, url, worker, fault } = await faultySite(t, fakeClock('+0 x20', { areTimersRight: false }))
    writeFileSync(fault, name)
    const source = readFileSync(makeTrack(join(dir, 'music/a.flac')))
    const play = async () => await http(url, '/play/a.flac?quality=low')
    t.ok((await play()).body.equals(source))
    await worker.logged(/low failed: ffmpeg made no progress for 60 s/)
    t.notOk(existsSync(join(dir, 'cache/a_low.mp3')))
    t.ok((await play()).body.equals(source))
    writeFileSync(fault, 'mended')
    await worker.logged(/Cached: a.flac → low/)
    t.equal(decodedSamples(join(dir, 'cache/a_low.mp3')), 2 * 44100)
  })
}

t.test('an ffmpeg that writes nothing, or half, or floods its log: nothing wrong is published, and originals are served', async t => {
  const { dir, url, worker, failures, monitor, fault } = await faultySite(t)

  /** Misses a track while ffmpeg has a fault, and checks that the original is served before and after. */
  const play = async (name: string, logged: RegExp) => {
    writeFileSync(fault, name)
    const source = readFileSync(makeTrack(join(dir, `music/${name}.flac`)))
    for (const wait of [async () => await worker.logged(logged), async () => {}]) {
      const { status, body } = await http(url, `/play/${name}.flac?quality=low`)
      t.equal(status, 200)
      if (!existsSync(join(dir, `cache/${name}_low.mp3`))) t.ok(body.equals(source), name)
      await wait()
    }
    t.ok((await http(url, `/play/${name}.flac`)).body.equals(source))
  }
  const isRight = (name: string) => decodedSamples(join(dir, `cache/${name}_low.mp3`)) === 2 * 44100

  await play('nothing', /low failed: ffmpeg did not tell how many samples/)
  t.notOk(existsSync(join(dir, 'cache/nothing_low.mp3')))
  writeFileSync(fault, 'mended')
  await worker.logged(/Cached: nothing.flac → low/) // it is tried again by itself
  t.ok(isRight('nothing'))

  await play('half', /low failed: /)
  t.notOk(existsSync(join(dir, 'cache/half_low.mp3')))
  writeFileSync(fault, 'mended')
  await until(async () => (await monitor.state()).running === 0)
  await failures.retry('half.flac', ['low'])
  await worker.logged(/Cached: half.flac → low/)
  t.ok(isRight('half'))

  await play('flood', /Cached: flood.flac → low/)
  t.ok(isRight('flood'))
})
