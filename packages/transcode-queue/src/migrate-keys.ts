import { Cluster } from 'ioredis'
import type { RedisClient } from './connection.ts'
import { KEY_PREFIX } from './queue.ts'

/** Prefix of the keys up to version 0.7. */
const OLD_PREFIX = 'mixtape:'

/**
 * Renames a key. Where the new one exists, because a service of this version has written it already, the values are merged:
 * lists and sets are joined, plays and counts are added, and of other values the new one stays.
 *
 * KEYS: the old and the new key. ARGV: whether numbers are added, '1' or '0'.
 */
const MOVE = `
local old, new, adds = KEYS[1], KEYS[2], ARGV[1] == '1'
local kind = redis.call('type', old).ok
if kind == 'none' then return 0 end
if redis.call('renamenx', old, new) == 1 then return 1 end
if redis.call('type', new).ok == kind then
  if kind == 'zset' then
    redis.call('zunionstore', new, 2, new, old, 'aggregate', adds and 'sum' or 'max')
  elseif kind == 'list' then
    for _, value in ipairs(redis.call('lrange', old, 0, -1)) do redis.call('rpush', new, value) end
  elseif kind == 'set' then
    redis.call('sunionstore', new, new, old)
  elseif kind == 'hash' then
    local pairs = redis.call('hgetall', old)
    for i = 1, #pairs, 2 do
      if adds then redis.call('hincrbyfloat', new, pairs[i], pairs[i + 1])
      else redis.call('hsetnx', new, pairs[i], pairs[i + 1]) end
    end
  elseif kind == 'string' and adds then
    redis.call('incrby', new, redis.call('get', old))
  end
end
redis.call('del', old)
return 1
`

/** Keys that count something. */
const COUNTS = /^(plays|plays-by-quality|bytes-saved|cache:evicted)$/

/**
 * Renames the keys of version 0.7 and before, `mixtape:…`, to `{mixtape}:…`, so that no mixtape, play or job is lost. It can
 * run at any time, also on several hosts at once. In a cluster there are no old keys: it refused them.
 *
 * @returns the number of renamed keys
 */
export async function migrateKeys (redis: RedisClient): Promise<number> {
  if (redis instanceof Cluster) return 0
  let moved = 0
  for await (const keys of redis.scanStream({ match: `${OLD_PREFIX}*`, count: 1000 })) {
    for (const key of keys as string[]) {
      const name = key.slice(OLD_PREFIX.length)
      if (name.startsWith('lock:')) continue // it expires within seconds
      moved += Number(await redis.eval(MOVE, 2, key, `${KEY_PREFIX}:${name}`, COUNTS.test(name) ? '1' : '0'))
    }
  }
  return moved
}
