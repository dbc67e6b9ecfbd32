import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { t } from 'tap'
import { partsIn } from './fixtures/cache-folder.ts'
import { fakeClock } from './fixtures/clock.ts'
import { http } from './fixtures/http.ts'
import { liveSite } from './fixtures/live-site.ts'
import { encoderPids, startStreaming, startWorker, until, type Service } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

t.jobs = 2

for (const offset of ['+1h', '-1h']) {
  t.test(`a worker whose clock is wrong by ${offset} deletes no running part, is followed live, and is replaced when it dies`, async t => {
    const { music, cache, env } = await liveSite(t)
    for (const name of ['a', 'b']) makeTrack(join(music, `${name}.flac`), { seconds: 200 })
    const parts = () => partsIn(cache)
    const play = async (name: string) => await http(streaming.url, `/play/${name}.flac?quality=high`)
    /** Stops the encoder of a worker in the middle of a track. */
    const freezeEncoder = async ({ child }: Service) => {
      await until(() => parts().some(({ size }) => size > 10_000))
      const [pid = 0] = encoderPids(child.pid)
      process.kill(pid, 'SIGSTOP')
      return pid
    }
    const [streaming, right] = await Promise.all([startStreaming(t, env), startWorker(t, env)])

    const running = play('a')
    const encoder = await freezeEncoder(right)
    const wrong = await startWorker(t, { ...env, ...fakeClock(offset, { areTimersRight: true }) }) // it removes the parts of dead workers
    t.equal(parts().length, 1, 'the part of a worker that runs stays')
    process.kill(encoder, 'SIGCONT')
    const { body } = await running
    await right.logged(/Cached: a/) // the last byte is sent before the part is renamed
    t.ok(body.equals(readFileSync(join(cache, 'a_high.mp3'))))
    t.equal(await right.stop(), 0)

    const broken = t.rejects(play('b'), 'its worker dies')
    await freezeEncoder(wrong)
    const part = parts()[0]?.path ?? ''
    const touched = async () => {
      const { mtimeMs } = statSync(part)
      await until(() => statSync(part).mtimeMs !== mtimeMs)
    }
    await touched()
    await touched()
    const joined = await http(streaming.url, '/play/b.flac?quality=high', { headers: { range: 'bytes=0-9' } })
    t.equal(joined.headers['cache-status'], 'mixtape; fwd=miss; stored; collapsed; detail=live')

    await wrong.stop('SIGKILL')
    await broken
    const heir = await startWorker(t, env)
    await heir.logged(/Cached: b.flac → high/)
    t.same(parts(), [])
    t.match(await play('b'), { headers: { 'cache-status': 'mixtape; hit' } })
  })
}
