import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { spawnChild } from '../scripts/child.js'
import { startRedis } from '../scripts/redis.js'

/** Makes a temporary folder with an empty library. What is started in it ends with stop(), which deletes the folder. */
export async function createSite () {
  const dir = mkdtempSync(join(tmpdir(), 'bench-'))
  const music = join(dir, 'music')
  mkdirSync(music)
  const redis = []
  const children = []
  return {
    dir,
    music,
    /**
     * Starts a program, and resolves when a line of its output matches. Rejects when the program ends before.
     *
     * @param {string[]} command
     * @param {RegExp} ready
     * @param {NodeJS.ProcessEnv} [env]
     */
    async run ([program, ...args], ready, env = {}) {
      const child = spawnChild(program, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
      children.push(child)
      for await (const line of createInterface({ input: child.stdout })) {
        const match = ready.exec(line)
        if (match) {
          child.stdout.resume()
          return { child, match }
        }
      }
      throw new Error(`${program} ${args.join(' ')} ended before it was ready`)
    },
    /** Makes a cache and starts a Redis. @returns the environment of services that use them */
    async env (extraEnv = {}) {
      const redisServer = await startRedis({ dir: join(dir, `redis-${redis.length}`) })
      const cache = join(dir, `cache-${redis.push(redisServer)}`)
      mkdirSync(cache)
      const env = { MUSIC_ROOT: music, AUDIO_CACHE_DIR: cache, REDIS_URL: redisServer.url, AUDIO_CACHE_MIN_FREE: '1B', PORT: '0' }
      return { ...env, ...extraEnv }
    },
    /** @returns the process ids of the Redis servers, in the order of the env() calls */
    redisPids: () => redis.map(({ child }) => child.pid),
    async stop () {
      for (const child of children.toReversed()) {
        child.kill('SIGTERM')
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      }
      for (const { stop } of redis) await stop()
      rmSync(dir, { recursive: true })
    }
  }
}

/** A log for connections that do not log. */
export const SILENT = { info () {}, warn () {} }

/** @param {number[]} values */
export function median (values) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
