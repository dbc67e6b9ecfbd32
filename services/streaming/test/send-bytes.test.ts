import { once } from 'node:events'
import { readdirSync, readlinkSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { t } from 'tap'
import { http } from '../../../test/fixtures/http.ts'
import { makeTrack } from '../../../test/fixtures/tracks.ts'
import { sendBytes } from '../src/serving/send-bytes.ts'
import { build } from '../../../test/fixtures/app.ts'

t.test('a read error during a response breaks the connection', async t => {
  const unreadable = { size: 10, mtimeNs: 0n, etag: '', close: async () => {}, read: async () => { throw new Error('EIO') } }
  const failures: unknown[] = []
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-length': 10 })
    sendBytes(response, unreadable, { first: 0, last: 9 }).catch(error => failures.push(error))
  }).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise(resolve => server.once('listening', resolve))
  await t.rejects(http(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, '/'))
  t.match(failures, [{ message: 'EIO' }])
})

t.test('a client that disconnects while pipelined requests wait leaves no descriptor open', async t => {
  const { url, music } = await build(t)
  makeTrack(join(music, 'long.wav'), { seconds: 120 })
  const descriptors = () => readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('long.wav')
    } catch {
      return false
    }
  })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write('GET /play/long.wav HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50))
  await once(socket, 'readable')
  t.not(descriptors().length, 0)
  socket.destroy()
  rmSync(join(music, 'long.wav'))
  t.equal((await http(url, '/play/long.wav')).status, 404) // makes the descriptor cache close the file
  for (let tries = 0; descriptors().length > 0 && tries < 200; tries++) await setTimeout(10)
  t.same(descriptors(), [])
})
