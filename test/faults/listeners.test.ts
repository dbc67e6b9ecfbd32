import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { t } from 'tap'
import { http } from '../fixtures/http.ts'
import { liveSite } from '../fixtures/live-site.ts'
import { startStreaming, until } from '../fixtures/services.ts'
import { makeTrack } from '../fixtures/tracks.ts'

t.test('listeners who read nothing, or leave, take nothing from the others', async t => {
  const { music, env } = await liveSite(t)
  const original = readFileSync(makeTrack(join(music, 'a.flac'), { seconds: 60 })) // more than the kernel buffers
  const { url, child } = await startStreaming(t, env)
  const isPlayed = async () => (await http(url, '/play/a.flac')).body.equals(original)
  const openFiles = () => readdirSync(`/proc/${child.pid}/fd`).length
  const residentMib = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024

  /** Asks for the track, or for a range of it, and reads no more than its first bytes. */
  async function startToPlay (range = 'bytes=0-'): Promise<Socket> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => {}) // it is reset where bytes are left
    socket.write(`GET /play/a.flac HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: ${range}\r\n\r\n`)
    await once(socket, 'data')
    socket.pause()
    return socket
  }

  /** No more at once: where more wait than Node's backlog of 511, Linux sends SYN cookies, and resets some connections. */
  const startAHundred = async (range?: string) => await Promise.all(Array.from({ length: 100 }, async () => await startToPlay(range)))

  t.ok(await isPlayed())
  const before = openFiles()
  const slow: Socket[] = []
  while (slow.length < 300) slow.push(...await startAHundred())
  // On loopback, each of those takes up to 2.6 MB of the kernel's memory: 2,000 take more than Linux gives TCP on 24 GiB, and it
  // resets any connection then.
  while (slow.length < 2000) slow.push(...await startAHundred('bytes=0-99999'))
  t.ok(openFiles() > before + 1999)
  t.ok(await isPlayed(), 'beside 2,000 slow readers')
  for (const socket of slow) socket.destroy()
  await until(() => openFiles() <= before)

  const used = residentMib()
  for (let round = 0; round < 100; round++) {
    for (const socket of await startAHundred()) socket.destroy()
  }
  await until(() => openFiles() <= before)
  t.ok(await isPlayed(), 'after 10,000 aborted downloads')
  t.ok(residentMib() < used + 100, `${Math.round(used)} MiB before them, ${Math.round(residentMib())} MiB after`)
})
