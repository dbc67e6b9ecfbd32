import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { t, type Test } from 'tap'
import { freePort } from '../scripts/free-port.js'
import { testFolder } from './fixtures/folder.ts'
import { http } from './fixtures/http.ts'
import { testRedis } from './fixtures/redis.ts'
import { startStreaming, startWorker, until } from './fixtures/services.ts'
import { makeTrack } from './fixtures/tracks.ts'

/** Starts both services. @returns what caches tracks through the whole chain: request, queue, worker, events, statistics */
async function startSite (t: Test, redisEnv: NodeJS.ProcessEnv) {
  const dir = testFolder(t, { music: {}, cache: {} })
  const env = { MUSIC_ROOT: join(dir, 'music'), AUDIO_CACHE_DIR: join(dir, 'cache'), ...redisEnv }
  const source = makeTrack(join(env.MUSIC_ROOT, '0.flac'))
  const [{ url }, worker] = await Promise.all([startStreaming(t, env), startWorker(t, env)])
  await until(async () => (await http(url, '/health/ready')).json().status === 'ok')
  const cacheStatus = async (name: string) => (await http(url, `/play/${name}?quality=low`)).headers['cache-status']
  return {
    url,
    async cachesMixtape (t: Test, slug: string) {
      const name = `${slug}.flac`
      copyFileSync(source, join(env.MUSIC_ROOT, name))
      const tracks = [{ file_path: name }]
      t.equal((await http(url, `/mixtapes/${slug}`, { method: 'PUT', body: { tracks } })).status, 202)
      const { body } = await http(url, `/mixtapes/${slug}/events`) // ends when all is cached
      t.match(body.toString(), /"ready":\{"high":1,"medium":1,"low":1\}/)
      t.equal(await cacheStatus(name), 'mixtape; hit')
    },
    async cachesMiss (t: Test, name: string) {
      copyFileSync(source, join(env.MUSIC_ROOT, name))
      t.match(await cacheStatus(name), /^mixtape; fwd=miss/)
      await worker.logged(new RegExp(`Cached: ${name}`))
      t.equal(await cacheStatus(name), 'mixtape; hit')
    },
    async counts (t: Test, hits: number) {
      await until(async () => (await http(url, '/admin/cache/stats')).json().hit_rate.last_hour.hits === hits)
      t.match((await http(url, '/admin/queue')).json(), { paused: false })
      t.equal((await http(url, '/admin/workers')).json().workers.length, 1)
    }
  }
}

for (const nodes of [1, 3]) {
  t.test(`a Redis Cluster of ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`, async t => {
    const servers = await Promise.all(Array.from({ length: nodes }, async () => await testRedis(t, {
      args: [
        '--cluster-enabled', 'yes', '--cluster-port', `${await freePort()}`, '--cluster-node-timeout', '2000',
        '--cluster-announce-ip', '127.0.0.1' // a node that never met another one does not know its address
      ]
    })))
    const clients = servers.map(({ url }) => new Redis(url))
    t.teardown(() => { for (const client of clients) client.disconnect() })
    for (const [i, client] of clients.entries()) {
      const share = 16384 / nodes
      await client.cluster('ADDSLOTSRANGE', Math.round(i * share), Math.round((i + 1) * share) - 1)
      if (i > 0) await client.call('CLUSTER', 'MEET', '127.0.0.1', `${servers[0]!.port}`, await busPort(clients[0]!))
    }
    await until(async () => (await Promise.all(clients.map(async client => await client.cluster('INFO') as string)))
      .every(info => info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes}`)))
    const site = await startSite(t, { REDIS_MODE: 'cluster', REDIS_URL: servers.map(({ url }) => url).join(',') })
    await site.cachesMixtape(t, 'summer')
    await site.cachesMiss(t, 'miss.flac')
    await site.counts(t, 2)
  })
}

t.test('a master that fails under load is replaced by its replica, and nothing that was saved is lost', async t => {
  const dir = makeFolder(t)
  // Sentinels have the servers write their configuration.
  for (const name of ['master.conf', 'replica.conf']) copyFileSync('redis.conf', join(dir, name))
  const master = await testRedis(t, { config: join(dir, 'master.conf') })
  const replica = await testRedis(t, { config: join(dir, 'replica.conf'), args: ['--replicaof', '127.0.0.1', `${master.port}`] })
  const file = join(dir, 'sentinel.conf')
  writeFileSync(file, [
    `sentinel monitor music 127.0.0.1 ${master.port} 1`, 'sentinel down-after-milliseconds music 500', 'sentinel failover-timeout music 3000'
  ].join('\n'))
  const sentinel = await testRedis(t, { config: file, args: ['--sentinel'] })
  const [toMaster, toReplica] = [new Redis(master.url), new Redis(replica.url)]
  await until(async () => /slave0:.*state=online/.test(await toMaster.info('replication')))
  const toSentinel = new Redis(sentinel.url)
  await until(async () => /slaves=1/.test(await toSentinel.info('sentinel')))
  t.teardown(() => { for (const client of [toMaster, toReplica, toSentinel]) client.disconnect() })
  const site = await startSite(t, { REDIS_MODE: 'sentinel', REDIS_SENTINEL_NAME: 'music', REDIS_URL: sentinel.url })
  await site.cachesMixtape(t, 'before')

  const isPromoted = new Promise<void>(resolve => {
    const events = toSentinel.duplicate()
    t.teardown(() => { events.disconnect() })
    events.subscribe('+switch-master').catch(() => {})
    events.once('message', () => resolve())
  })
  await toMaster.wait(1, 0)
  toMaster.disconnect()
  master.child.kill('SIGKILL')
  t.equal((await http(site.url, '/play/before.flac?quality=low')).headers['cache-status'], 'mixtape; hit', 'Redis is away')
  await isPromoted
  await until(async () => (await http(site.url, '/health/ready')).json().status === 'ok')
  t.equal((await http(site.url, '/mixtapes/before')).status, 200)
  await site.cachesMixtape(t, 'after')
  await site.cachesMiss(t, 'miss.flac')
  t.match(await toReplica.call('ROLE'), ['master'])
})

t.test('TLS with a private authority, and a user of the access control list', async t => {
  const dir = makeFolder(t)
  const at = (name: string) => join(dir, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=Private CA', '-keyout', at('ca.key'), '-out', at('ca.pem'))
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=redis', '-keyout', at('redis.key'), '-out', at('redis.csr'))
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1')
  openssl('x509', '-req', '-days', '2', '-in', at('redis.csr'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-extfile', at('names'), '-out', at('redis.pem'))
  const tlsPort = await freePort()
  writeFileSync(at('redis.conf'), [
    `tls-port ${tlsPort}`, `tls-cert-file ${at('redis.pem')}`, `tls-key-file ${at('redis.key')}`, `tls-ca-cert-file ${at('ca.pem')}`,
    'tls-auth-clients no', 'user default off', 'user mixtape on >p@ss ~{mixtape}:* ~mixtape:* &* +@all -@dangerous +info'
  ].join('\n'))
  await testRedis(t, { config: at('redis.conf') })
  const site = await startSite(t, { REDIS_URL: `rediss://mixtape:p%40ss@127.0.0.1:${tlsPort}`, REDIS_CA_FILE: at('ca.pem') })
  await site.cachesMixtape(t, 'summer')
  await site.cachesMiss(t, 'miss.flac')
})

/** Makes a folder for the files of a Redis, until the test ends. */
function makeFolder (t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'test-redis-'))
  t.teardown(() => { rmSync(dir, { recursive: true }) })
  return dir
}

/** The bus port of a cluster node, from its own line of CLUSTER NODES: id address:port@busport … */
async function busPort (client: Redis): Promise<string> {
  return /@(\d+)/.exec(await client.cluster('NODES') as string)?.[1] ?? ''
}
