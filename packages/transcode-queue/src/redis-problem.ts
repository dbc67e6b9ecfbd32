import { Cluster } from 'ioredis'
import type { RedisClient } from './connection.ts'
import { KEY_PREFIX } from './queue.ts'

const TRIAL_KEY = `${KEY_PREFIX}:write-trial`
const TRIAL_MS = 60_000

/** Something that is wrong, in words: what it is, and what to do. */
export interface Problem {
  /** For programs; it does not change with the words. */
  code: string
  message: string
  /** Hosts or folders that it is about. */
  names?: string[]
}

const STILL_PLAYED = 'Originals and cached files are still played; nothing new is transcoded, and nothing is counted.'

/** How Redis begins the error of a write that it refuses (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors). */
const REFUSALS: [start: string, code: string, message: string][] = [
  ['OOM', 'redis_out_of_memory', 'Redis is out of memory: it has reached its maxmemory, and refuses writes. ' +
    'Raise maxmemory, or give this service a Redis of its own.'],
  ['READONLY', 'redis_read_only', 'Redis is a read-only replica. REDIS_URL must lead to the master: check it, or make this one the master (REPLICAOF NO ONE).'],
  ['MISCONF', 'redis_cannot_save', 'Redis cannot write its data to the disk, and refuses writes. ' +
    'Look into its log: the disk is full, or its folder cannot be written.'],
  ['NOREPLICAS', 'redis_lacks_replicas', 'Redis has fewer replicas than its min-replicas-to-write, and refuses writes. Start them, or lower the number.'],
  ['LOADING', 'redis_loading', 'Redis is loading its data from the disk. It goes on by itself.'],
  ['NOPERM', 'redis_no_permission', 'The user of REDIS_URL lacks permissions. docs/deployment.md has those that it needs.']
]

/**
 * Writes a key as the queue would, which tells what no answer to PING does.
 *
 * @returns why Redis cannot be used; undefined where it can
 */
export async function redisProblem (redis: RedisClient): Promise<Problem | undefined> {
  try {
    // Asked first: a connection that gets READONLY connects again, in case that another Redis is the master by now.
    const isReplica = !(redis instanceof Cluster) && /^role:slave/m.test(await redis.info('replication'))
    if (isReplica) return refusal('READONLY')
    await redis.set(TRIAL_KEY, '1', 'PX', TRIAL_MS)
    return undefined
  } catch (error) {
    return refusal((error as Error).message)
  }
}

/** Errors of ioredis for a command that got no reply. They have no code. */
const NO_REPLY = [
  'Connection is closed.', 'Command timed out', 'Command aborted due to connection close', "Stream isn't writeable and enableOfflineQueue options is false"
]

/** @returns why Redis refused a command, or did not reply to it; undefined where the error says something else */
export function problemOfCommand (error: Error & { previousErrors?: Error[] }): Problem | undefined {
  const { name, message, previousErrors: [first] = [] } = error
  const words = first?.message ?? message // a transaction has the errors of its commands
  const isRefused = name === 'ReplyError' && REFUSALS.some(([start]) => words.startsWith(start))
  return isRefused || name === 'MaxRetriesPerRequestError' || NO_REPLY.includes(words) ? refusal(words) : undefined
}

function refusal (words: string): Problem {
  const [, code, message] = REFUSALS.find(([start]) => words.startsWith(start)) ?? [
    '', 'redis_unreachable', 'Redis does not answer. Start it, or correct REDIS_URL.'
  ]
  return { code, message: `${message} ${STILL_PLAYED}` }
}
