import { t } from 'tap'
import { isForLoopback, isLoopbackHost } from '../src/loopback.ts'

t.test('names and addresses of this machine are loopback, and nothing else is', async t => {
  for (const host of ['localhost', 'LOCALHOST', 'localhost.', 'music.localhost', '127.0.0.1', '127.9.8.7', '::1', '[::1]', '::ffff:127.0.0.1']) {
    t.equal(isLoopbackHost(host), true, host)
  }
  for (const host of ['', '0.0.0.0', '::', '10.0.0.1', 'localhost.example', 'notlocalhost', '127.0.0.1.example', '128.0.0.1', '::2', 'music.example']) {
    t.equal(isLoopbackHost(host), false, host)
  }
})

t.test('a request is for loopback where both its address and its Host are', async t => {
  for (const host of ['localhost', 'localhost:5000', '127.0.0.1:5000', '[::1]:5000']) {
    t.equal(isForLoopback('127.0.0.1', host), true, host)
    t.equal(isForLoopback('::ffff:127.0.0.1', host), true, host)
    t.equal(isForLoopback('10.0.0.1', host), false, host)
    t.equal(isForLoopback(undefined, host), false, 'the client has left')
  }
  for (const host of [undefined, '', 'music.example', 'music.example:5000', 'evil@', 'user@music.example', '127.0.0.1.example', ':', '[', 'a b']) {
    t.equal(isForLoopback('127.0.0.1', host), false, `${host}`)
  }
})
