import { Redis } from 'ioredis'
import { t } from 'tap'
import { testRedis } from '../../../test/fixtures/redis.ts'
import { MixtapeRegistry, type Mixtape } from '../src/registry.ts'

t.test('of concurrent calls with the same new mixtape, one returns true', async t => {
  const { url } = await testRedis(t)
  const connections = Array.from({ length: 5 }, () => new Redis(url))
  const registries = connections.map(redis => new MixtapeRegistry(redis))
  t.teardown(async () => {
    await Promise.all(registries.map(registry => registry.close()))
    for (const redis of connections) redis.disconnect()
  })
  const mixtape: Mixtape = { slug: 'summer', title: 'Summer', tracks: ['a.flac', 'a.flac'], origin: 'api' }
  const results = await Promise.all(registries.map(registry => registry.save(mixtape)))
  t.equal(results.filter(Boolean).length, 1)

  const [registry] = registries as [MixtapeRegistry]
  t.equal(await registry.save({ ...mixtape, title: 'Autumn' }), true, 'changed')
  t.match(await registry.get('summer'), { title: 'Autumn', tracks: ['a.flac', 'a.flac'] })
  for (let i = 0; i < 250; i++) await registry.save({ ...mixtape, slug: `m${i}` })
  const slugs = new Set<string>()
  for await (const { slug } of registry.all()) slugs.add(slug)
  t.equal(slugs.size, 251)

  t.equal(await registry.remove('summer'), true)
  t.equal(await registry.remove('summer'), false)
  t.equal(await registry.get('summer'), undefined)
})
