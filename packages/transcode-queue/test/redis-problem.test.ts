import { once } from 'node:events'
import { pino } from 'pino'
import { t } from 'tap'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { problemOfCommand, producerConnection } from '../src/index.ts'

t.test('why Redis refused a command, or did not reply to it', async t => {
  const server = await testRedis(t)
  const redis = producerConnection({ url: server.url }, pino({ level: 'silent' }))
  t.teardown(() => redis.disconnect())
  await once(redis, 'ready')
  const problem = async (command: Promise<unknown>) => await command.then(() => 'done', error => problemOfCommand(error)?.code)

  await redis.set('text', 'a')
  t.equal(await problem(redis.lpush('text', 'b')), undefined, 'a wrong command is no problem of Redis')
  await redis.config('SET', 'maxmemory', '100kb')
  t.equal(await problem(redis.set('text', 'b')), 'redis_out_of_memory')
  t.equal(await problem(redis.multi().set('text', 'b').exec()), 'redis_out_of_memory', 'in a transaction')
  await redis.config('SET', 'maxmemory', '0')

  await redis.replicaof('127.0.0.1', 1)
  // The connection that gets READONLY connects again, so that the command is not sent a second time.
  t.match(await problem(redis.multi().set('text', 'b').exec()), /redis_read_only|redis_unreachable/, 'in a transaction of a read-only replica')
  await once(redis, 'ready')
  await redis.replicaof('NO', 'ONE')

  server.child.kill('SIGSTOP')
  t.teardown(() => { server.child.kill('SIGCONT') })
  t.equal(await problem(redis.get('text')), 'redis_unreachable', 'no reply')
  const away = new Promise(resolve => redis.once('close', resolve)) // events.once() would reject for the error before it
  server.child.kill('SIGKILL')
  await away
  t.equal(await problem(redis.get('text')), 'redis_unreachable', 'no connection')
})
