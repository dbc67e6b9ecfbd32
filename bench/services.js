import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { spawnChild } from '../scripts/child.js'
import { startRedis } from '../scripts/redis.js'

/** A folder for a library, caches and Redis servers, and whatever runs in it: what a section measures. */
export async function bench () {
  const dir = mkdtempSync(join(tmpdir(), 'bench-'))
  const music = join(dir, 'music')
  mkdirSync(music)
  const redis = []
  const children = []
  return {
    dir,
    music,
    /**
     * Starts a program, and resolves when a line of its output matches.
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
      throw new Error(`${program} ${args.join(' ')} ended`)
    },
    /** An environment for both services, with a cache and a Redis of its own. */
    async env (more = {}) {
      const own = await startRedis({ dir: join(dir, `redis-${redis.length}`) })
      const cache = join(dir, `cache-${redis.push(own)}`)
      mkdirSync(cache)
      return { MUSIC_ROOT: music, AUDIO_CACHE_DIR: cache, REDIS_URL: own.url, AUDIO_CACHE_MIN_FREE: '1B', PORT: '0', ...more }
    },
    /** Of the servers behind `env`, in their order. */
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

/** @param {number[]} values */
export function median (values) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
