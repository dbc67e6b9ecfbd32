import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, mkdir, open, readdir, readFile, realpath, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import type { Config } from '@mixtape/config'
import { MAX_SKEW_MS, redisClock, redisProblem, WorkerHeartbeats, workerConnection } from '@mixtape/transcode-queue'
import { mountOf, mountProblems } from '../network-mount.ts'
import { megabytes, print, table } from '../output.ts'
import { EXIT } from '../server.ts'

const run = promisify(execFile)

/** Oldest Redis that BullMQ recommends. */
const MIN_REDIS = [6, 2] as const

/** Each listener and each open file of the cache takes a descriptor. */
const MIN_DESCRIPTORS = 1024

interface Finding {
  check: string
  state: 'ok' | 'warn' | 'bad'
  message: string
}

/** Looks at this machine as a service would use it. @returns 1 where something is bad */
export async function doctor (config: Config, { json }: { json?: boolean }): Promise<number> {
  const findings = (await Promise.all([ffmpeg(), redis(config), library(config), cache(config), descriptors()])).flat()
  print(json, { findings }, table(findings.map(({ check, state, message }) => [state, check, message])))
  return findings.some(({ state }) => state === 'bad') ? EXIT.found : EXIT.ok
}

async function ffmpeg (): Promise<Finding[]> {
  const check = 'ffmpeg'
  try {
    const [{ stdout: version }, { stdout: encoders }] = await Promise.all([run('ffmpeg', ['-version']), run('ffmpeg', ['-v', 'error', '-encoders'])])
    const [, number = ''] = /^ffmpeg version (\S+)/.exec(version) ?? []
    if (!/\blibmp3lame\b/.test(encoders)) return [{ check, state: 'bad', message: `ffmpeg ${number} has no encoder libmp3lame: install a build that has it` }]
    await run('ffprobe', ['-version'])
    return [{ check, state: 'ok', message: `${number}, with libmp3lame and ffprobe` }]
  } catch (error) {
    return [{ check, state: 'bad', message: `It cannot be run, which workers need: ${(error as Error).message.split('\n')[0]}` }]
  }
}

async function redis ({ REDIS: servers }: Config): Promise<Finding[]> {
  const connection = workerConnection(servers, pino({ level: 'silent' }))
  try {
    await once(connection, 'ready', { signal: AbortSignal.timeout(3000) }) // rejects with the error of the connection
    const info = Object.fromEntries((await connection.info()).split('\r\n').map(line => line.split(':', 2) as [string, string]))
    const { aheadMs } = await redisClock(connection)
    const refusal = await redisProblem(connection)
    const [major = 0, minor = 0] = `${info.redis_version}`.split('.').map(Number)
    const isRecent = major > MIN_REDIS[0] || (major === MIN_REDIS[0] && minor >= MIN_REDIS[1])
    const policy = info.maxmemory_policy
    const [, save = ''] = await connection.config('GET', 'save').catch(() => ['save', 'unknown']) as string[]
    const isKept = info.aof_enabled === '1' || save !== ''
    const workers = (await new WorkerHeartbeats(connection).all()).filter(({ isAlive }) => isAlive)
    const versions = [...new Set(workers.map(({ version }) => version))]
    return [
      { check: 'Redis', state: isRecent ? 'ok' : 'bad', message: `${info.redis_version}${isRecent ? '' : `: BullMQ wants ${MIN_REDIS.join('.')} or later`}` },
      {
        check: 'Redis writes',
        state: refusal ? 'bad' : 'ok',
        message: refusal ? refusal.message : 'accepted'
      },
      {
        check: 'Redis eviction',
        state: policy === 'noeviction' ? 'ok' : 'bad',
        message: policy === 'noeviction' ? 'noeviction' : `maxmemory-policy is ${policy}: jobs could vanish. Set it to noeviction`
      },
      {
        check: 'Redis persistence',
        state: isKept ? 'ok' : 'warn',
        message: isKept ? info.aof_enabled === '1' ? 'append-only file' : 'snapshots' : 'nothing is kept over a restart: set appendonly yes'
      },
      {
        check: 'Clock',
        state: Math.abs(aheadMs) <= MAX_SKEW_MS ? 'ok' : 'bad',
        message: aheadMs === 0 ? 'that of Redis' : `at least ${Math.abs(aheadMs)} ms ${aheadMs > 0 ? 'ahead of' : 'behind'} that of Redis`
      },
      {
        check: 'Workers',
        state: workers.length > 0 && versions.length === 1 ? 'ok' : 'warn',
        message: workers.length === 0 ? 'none is running: nothing is transcoded' : `${workers.length} running, version ${versions.join(' and ')}`
      }
    ]
  } catch (error) {
    return [{ check: 'Redis', state: 'bad', message: `${hosts(servers.url)} does not answer: ${(error as Error).message}` }]
  } finally {
    connection.disconnect()
  }
}

/** The hosts of one or more URLs, without their passwords. */
function hosts (urls: string): string {
  return urls.split(',').map(url => new URL(url.trim()).host).join(', ')
}

async function library ({ MUSIC_ROOT: root }: Config): Promise<Finding[]> {
  const check = 'Library'
  try {
    await access(root, constants.R_OK | constants.X_OK)
    const names = await readdir(root)
    return [names.length > 0
      ? { check, state: 'ok', message: `${root}, readable` }
      : { check, state: 'bad', message: `${root} is empty: is its disk mounted?` }]
  } catch (error) {
    return [{ check, state: 'bad', message: `${root} cannot be read (${(error as NodeJS.ErrnoException).code}). Does doctor have the MUSIC_ROOT of the services? A file .env gives it to all` }]
  }
}

async function cache ({ AUDIO_CACHE_DIR: dir, AUDIO_CACHE_MIN_FREE: minFree }: Config): Promise<Finding[]> {
  let published: Finding
  try {
    await mkdir(dir, { recursive: true })
    published = await publishTrial(dir)
  } catch (error) {
    return [{ check: 'Cache', state: 'bad', message: `${dir} cannot be written (${(error as NodeJS.ErrnoException).code})` }]
  }
  const mount = mountOf(await readFile('/proc/self/mounts', 'utf8').catch(() => ''), await realpath(dir))
  const problems = mount ? mountProblems(mount) : []
  const { bavail, bsize } = await statfs(dir)
  const free = bavail * bsize
  return [
    { check: 'Cache', state: 'ok', message: `${dir}, writable${mount ? `, ${mount.type}` : ''}` },
    published,
    ...problems.map((message): Finding => ({ check: 'Cache mount', state: 'bad', message })),
    {
      check: 'Disk',
      state: free >= minFree ? 'ok' : 'bad',
      message: `${megabytes(free)} free; at least ${megabytes(minFree)} must stay free (AUDIO_CACHE_MIN_FREE)`
    }
  ]
}

/** Does on the file system of the cache what publishing a transcode does. @throws where nothing can be written */
async function publishTrial (dir: string): Promise<Finding> {
  const check = 'Cache file system'
  const [trial, final] = [join(dir, `.doctor-${process.pid}`), join(dir, `.doctor-${process.pid}-renamed`)]
  try {
    const handle = await open(trial, 'ax')
    try {
      await handle.write('first ')
      await handle.write('second')
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(trial, final)
    const { size, mtimeNs } = await stat(final, { bigint: true })
    if (size !== 12n) return { check, state: 'bad', message: `a file of 12 bytes has ${size} after it was renamed` }
    const isSynced = await open(dir).then(async handle => await handle.sync().finally(() => handle.close())).then(() => true, () => false)
    if (!isSynced) return { check, state: 'bad', message: 'directories cannot be synced, so nothing can be published' }
    return mtimeNs % 1_000_000_000n === 0n
      ? { check, state: 'warn', message: 'times have whole seconds: a source that is replaced twice within one may keep its old transcode' }
      : { check, state: 'ok', message: 'appends, syncs and renames' }
  } finally {
    await Promise.all([rm(trial, { force: true }), rm(final, { force: true })])
  }
}

/** Linux only: elsewhere nothing is found. */
async function descriptors (): Promise<Finding[]> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const [, limit] = /^Max open files\s+(\S+)/m.exec(limits) ?? []
  if (limit === undefined) return []
  const isEnough = limit === 'unlimited' || Number(limit) >= MIN_DESCRIPTORS
  return [{ check: 'Descriptors', state: isEnough ? 'ok' : 'warn', message: `${limit} for each process${isEnough ? '' : `: raise it to ${MIN_DESCRIPTORS} or more (ulimit -n)`}` }]
}
