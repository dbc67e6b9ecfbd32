import { Cluster, Redis, type RedisOptions } from 'ioredis'

/** A connection to one Redis, to the master that sentinels name, or to a cluster. */
export type RedisClient = Redis | Cluster

/** Where it is logged that Redis went away or came back, such as a pino logger or the console. */
interface Log {
  info (message: string): void
  warn (message: string): void
}

/** Where Redis is. */
export interface RedisServers {
  /**
   * `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS. Several URLs are separated by commas: nodes of
   * the cluster, or sentinels. User, password, database and scheme of the first one are used for all.
   */
  url: string
  /** `standalone` by default. */
  mode?: 'standalone' | 'cluster' | 'sentinel' | undefined
  /** Name under which the sentinels know the master. */
  sentinelName?: string | undefined
  /** Certificates of the authorities that sign the servers' certificates, as PEM; those of Node.js by default. */
  ca?: string | undefined
}

/**
 * Connects for code that must not wait. While Redis is away a command fails at once. A command that gets no reply
 * fails after two seconds. The connection reconnects by itself, without limit.
 */
export function producerConnection (servers: RedisServers, log: Log): RedisClient {
  return withLog(connect(servers, { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 2000 }), log)
}

/** Connects for code that can wait, such as the workers: a command waits until Redis is back. */
export function workerConnection (servers: RedisServers, log: Log): RedisClient {
  return withLog(connect(servers, { maxRetriesPerRequest: null }), log)
}

function connect ({ url, mode, sentinelName, ca }: RedisServers, options: RedisOptions): RedisClient {
  const urls = url.split(',').map(node => new URL(node.trim()))
  const nodes = urls.map(({ hostname, port }) => ({
    host: hostname.replace(/^\[|\]$/g, ''), // of an IPv6 address
    port: Number(port || (mode === 'sentinel' ? 26379 : 6379))
  }))
  const [{ protocol, username, password, pathname }] = urls as [URL]
  const tls = protocol === 'rediss:' ? { ...ca !== undefined && { ca } } : undefined
  const nodeOptions: RedisOptions = {
    ...options,
    ...username && { username: decodeURIComponent(username) },
    ...password && { password: decodeURIComponent(password) },
    ...tls && { tls },
    // A master that has become a replica refuses writes: connect again, to the new master, and repeat the command.
    reconnectOnError: ({ message }) => message.startsWith('READONLY') ? 2 : false
  }
  if (mode === 'cluster') {
    const { enableOfflineQueue = true } = options
    return new Cluster(nodes, { enableOfflineQueue, redisOptions: nodeOptions })
  }
  const db = Number(pathname.slice(1))
  if (mode === 'sentinel') {
    const forSentinels = tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }
    return new Redis({ ...nodeOptions, ...forSentinels, db, sentinels: nodes, name: sentinelName ?? '' })
  }
  return new Redis({ ...nodeOptions, ...nodes[0], db })
}

/** Logs one line when Redis goes away and one when it comes back, not one for each attempt to reconnect. */
function withLog (redis: RedisClient, log: Log): RedisClient {
  let isAway = false
  redis.on('error', () => {}) // without a listener the process would end; 'reconnecting' follows
  redis.on('reconnecting', () => {
    if (!isAway) log.warn('Redis is not reachable')
    isAway = true
  })
  redis.on('ready', () => {
    if (isAway) log.info('Redis is reachable')
    isAway = false
  })
  return redis
}
