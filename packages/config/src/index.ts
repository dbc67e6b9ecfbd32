import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { CronExpressionParser } from 'cron-parser'
import { envSchema } from 'env-schema'
import { Type, type Static } from 'typebox'
import { transcodeQualities, type TranscodeQuality } from '@mixtape/mp3'

export { projectVersion } from './version.ts'

const path = (fallback: string) => Type.String({ default: fallback, minLength: 1 })
const token = () => Type.Optional(Type.String({
  pattern: '^[\\x21-\\x7e]+$', description: 'a token of printable ASCII without spaces'
}))
const flag = (fallback: boolean) => Type.Boolean({ default: fallback, description: 'true or false' })

/** Patterns of a list of qualities such as `high,low`, and of a list of extensions such as `.flac,.wav`. */
const QUALITY = `(${transcodeQualities.join('|')})`
const QUALITY_LIST = `^${QUALITY}(,${QUALITY})*$`
const EXTENSION_LIST = '^\\.[a-z0-9]+(,\\.[a-z0-9]+)*$'

/** A URL of one Redis server. */
const REDIS = 'rediss?://[^\\s,]+'

const SIZE_PATTERN = '^\\d{1,6}(\\.\\d{1,3})? ?([kKMGT]i?)?B?$'
const SIZE = 'a size such as 500MB (500 * 1000 * 1000 bytes) or 1.5GiB (1.5 * 1024 * 1024 * 1024 bytes)'

const CRON = 'a cron expression such as 0 3 * * *: minute, hour, day, month, day of the week'

/** All variables of both services. `description` says what is allowed, for error messages. */
const environmentSchema = Type.Object({
  MUSIC_ROOT: path('./data/music'),
  AUDIO_CACHE_DIR: path('./data/cache/audio'),
  AUDIO_CACHE_ENABLED: flag(true),
  AUDIO_CACHE_PRECACHE_ON_UPLOAD: flag(true),
  AUDIO_CACHE_PRECACHE_QUALITIES: Type.String({
    default: transcodeQualities.join(','),
    pattern: QUALITY_LIST,
    description: `a comma-separated list of ${transcodeQualities.join(', ')}`
  }),
  AUDIO_CACHE_TRANSCODE_EXTENSIONS: Type.String({
    default: '.flac,.wav,.ogg,.m4a',
    pattern: EXTENSION_LIST,
    description: 'a comma-separated list of file extensions in lower case, each with its dot: .flac,.wav'
  }),
  AUDIO_CACHE_ON_MISS: Type.Enum(['original', 'transcode'], { default: 'original', description: 'original or transcode' }),
  AUDIO_CACHE_LIVE_WAIT: Type.Number({ default: 2, minimum: 0, maximum: 60, description: 'seconds from 0 to 60' }),
  LIVE_MAX: Type.Integer({ default: 32, minimum: 1, maximum: 10_000, description: 'a whole number from 1 to 10000' }),
  AUDIO_CACHE_MAX_SIZE: Type.Optional(Type.String({ pattern: SIZE_PATTERN, description: SIZE })),
  AUDIO_CACHE_MIN_FREE: Type.String({ default: '1GiB', pattern: SIZE_PATTERN, description: SIZE }),
  AUDIO_CACHE_EVICTION: Type.Enum(['lru', 'age', 'quality'], { default: 'lru', description: 'lru, age or quality' }),
  AUDIO_CACHE_PROTECT: Type.Integer({
    default: 3600, minimum: 0, maximum: 31_536_000, description: 'a whole number of seconds from 0 to 31536000'
  }),
  AUDIO_CACHE_MAX_AGE_DAYS: Type.Optional(Type.Integer({
    minimum: 1, maximum: 36_500, description: 'a whole number from 1 to 36500'
  })),
  MIXTAPES_DIR: Type.Optional(Type.String()),
  NIGHTLY_PRECACHE: Type.String({ default: '0 3 * * *', description: CRON }),
  CACHE_WARM: Type.String({ default: '0 4 * * *', description: CRON }),
  POPULAR_TRACKS: Type.Integer({ default: 100, minimum: 0, maximum: 10_000, description: 'a whole number from 0 to 10000' }),
  HOST: Type.String({ default: '127.0.0.1', pattern: '^\\S+$', description: 'a host name or an IP address' }),
  PORT: Type.Integer({ default: 5000, minimum: 0, maximum: 65535, description: 'a whole number from 0 to 65535' }),
  X_ACCEL: Type.Enum(['0', '1'], { default: '0', description: '1 behind an nginx that sends the files, or 0' }),
  REDIS_URL: Type.String({
    default: 'redis://127.0.0.1:6379',
    pattern: `^${REDIS}(\\s*,\\s*${REDIS})*$`,
    description: 'one or more URLs that begin with redis:// or rediss://, separated by commas'
  }),
  REDIS_MODE: Type.Enum(['standalone', 'cluster', 'sentinel'], {
    default: 'standalone', description: 'standalone, cluster or sentinel'
  }),
  REDIS_SENTINEL_NAME: Type.Optional(Type.String()),
  REDIS_CA_FILE: Type.Optional(Type.String()),
  ADMIN_TOKEN: token(),
  METRICS_PORT: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535, description: 'a whole number from 0 to 65535' })),
  METRICS_TOKEN: token(),
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(Type.String({
    pattern: '^https?://[^\\s/]\\S*$', description: 'a URL that begins with http:// or https://'
  })),
  LIBRARY_ACCESS: Type.Optional(Type.Enum(['admin', 'public'], { description: 'admin or public' })),
  WORKER_CONCURRENCY: Type.Integer({
    default: availableParallelism(),
    minimum: 1,
    maximum: 256,
    description: 'a whole number from 1 to 256'
  }),
  LOG_REQUESTS: flag(false),
  LOG_LEVEL: Type.Union(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map(level => Type.Literal(level)),
    { default: 'info', description: 'fatal, error, warn, info, debug, trace or silent' }
  )
})

type Environment = Static<typeof environmentSchema>

/** The validated variables. Paths are absolute, lists are arrays, sizes are in bytes. */
export type Config = Omit<Environment, 'AUDIO_CACHE_PRECACHE_QUALITIES' | 'AUDIO_CACHE_TRANSCODE_EXTENSIONS' |
  'AUDIO_CACHE_MAX_SIZE' | 'AUDIO_CACHE_MIN_FREE' | 'LIBRARY_ACCESS' | `REDIS_${string}`> & {
    /** Where Redis is, as the connections take it; `ca` is in PEM. */
    REDIS: { url: string, mode: Environment['REDIS_MODE'], sentinelName: string | undefined, ca: string | undefined }
    LIBRARY_ACCESS: 'admin' | 'public'
    AUDIO_CACHE_MAX_SIZE: number | undefined
    AUDIO_CACHE_MIN_FREE: number
    AUDIO_CACHE_PRECACHE_QUALITIES: TranscodeQuality[]
    AUDIO_CACHE_TRANSCODE_EXTENSIONS: string[]
  }

/** A variable has a value that is not allowed. The message names the variable, its value and what is allowed. */
export class ConfigError extends Error {}

/**
 * Reads and validates the variables of an environment such as `process.env`. An empty value counts as unset.
 *
 * @throws {ConfigError}
 */
export function readConfig (env: NodeJS.ProcessEnv): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()))
  const config = validated(set)
  const MUSIC_ROOT = resolve(config.MUSIC_ROOT)
  const AUDIO_CACHE_DIR = resolve(config.AUDIO_CACHE_DIR)
  const [music, cache] = [MUSIC_ROOT, AUDIO_CACHE_DIR].map(path => withSlash(real(path))) as [string, string]
  if (music.startsWith(cache) || cache.startsWith(music)) {
    throw new ConfigError(`AUDIO_CACHE_DIR is "${AUDIO_CACHE_DIR}", which overlaps MUSIC_ROOT "${MUSIC_ROOT}". ` +
      'Allowed: two folders of which neither contains the other, since the cache is cleared and the library never is.')
  }
  for (const name of ['NIGHTLY_PRECACHE', 'CACHE_WARM'] as const) {
    if (!isCron(config[name])) throw new ConfigError(`${name} is "${config[name]}". Allowed: ${CRON}.`)
  }
  const { REDIS_URL, REDIS_MODE, REDIS_SENTINEL_NAME, REDIS_CA_FILE, ...others } = config
  return {
    ...others,
    REDIS: redisServers({ REDIS_URL, REDIS_MODE, REDIS_SENTINEL_NAME, REDIS_CA_FILE }),
    MIXTAPES_DIR: config.MIXTAPES_DIR && resolve(config.MIXTAPES_DIR),
    MUSIC_ROOT,
    AUDIO_CACHE_DIR,
    // Without a token the service listens on loopback only, where everyone is the admin anyway.
    LIBRARY_ACCESS: config.LIBRARY_ACCESS ?? (config.ADMIN_TOKEN === undefined ? 'public' : 'admin'),
    AUDIO_CACHE_MAX_SIZE: config.AUDIO_CACHE_MAX_SIZE === undefined ? undefined : bytes(config.AUDIO_CACHE_MAX_SIZE),
    AUDIO_CACHE_MIN_FREE: bytes(config.AUDIO_CACHE_MIN_FREE),
    AUDIO_CACHE_PRECACHE_QUALITIES: list(config.AUDIO_CACHE_PRECACHE_QUALITIES) as TranscodeQuality[],
    AUDIO_CACHE_TRANSCODE_EXTENSIONS: list(config.AUDIO_CACHE_TRANSCODE_EXTENSIONS)
  }
}

/** @returns `process.env`, after adding the variables of a `.env` file in the working directory */
export function processEnvironment (): NodeJS.ProcessEnv {
  try {
    process.loadEnvFile()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return process.env
}

/** Their values must not get into a log. REDIS_URL can contain a password. */
const SECRETS = new Set<keyof Environment>(['ADMIN_TOKEN', 'METRICS_TOKEN', 'REDIS_URL'])

function validated (data: Record<string, string | undefined>): Environment {
  try {
    return envSchema<Environment>({ schema: environmentSchema, data, env: false })
  } catch (error) {
    const [problem] = (error as { errors?: { instancePath: string }[] }).errors ?? []
    if (!problem) throw error
    const name = problem.instancePath.slice(1) as keyof Environment
    const value = data[name]
    const { description } = environmentSchema.properties[name] as { description?: string }
    const what = SECRETS.has(name) ? 'has a value that is not allowed' : `is "${value}"`
    throw new ConfigError(`${name} ${what}. Allowed: ${description}.`)
  }
}

function redisServers (
  { REDIS_URL: url, REDIS_MODE: mode, REDIS_SENTINEL_NAME: sentinelName, REDIS_CA_FILE: caFile }:
  Pick<Environment, 'REDIS_URL' | 'REDIS_MODE' | 'REDIS_SENTINEL_NAME' | 'REDIS_CA_FILE'>
): Config['REDIS'] {
  if (mode === 'standalone' && url.includes(',')) {
    throw new ConfigError('REDIS_URL has several URLs. Allowed: one, or REDIS_MODE=cluster or REDIS_MODE=sentinel.')
  }
  if (mode === 'sentinel' && sentinelName === undefined) {
    throw new ConfigError('REDIS_SENTINEL_NAME is not set. With REDIS_MODE=sentinel it is the name under which the sentinels know the master.')
  }
  if (!url.split(',').every(node => URL.canParse(node.trim()))) {
    throw new ConfigError('REDIS_URL has a URL that cannot be read. Allowed: redis://[user:password@]host[:port][/database], or rediss:// for TLS.')
  }
  return { url, mode, sentinelName, ca: caFile === undefined ? undefined : readCertificates(caFile) }
}

function readCertificates (file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError(`REDIS_CA_FILE is "${file}", which cannot be read (${code}). Allowed: a file of certificates in PEM.`)
  }
}

function bytes (size: string): number {
  const [, number, prefix = '', binary] = /^([\d.]+) ?([kMGT]?)(i?)/i.exec(size) ?? []
  return Math.round(Number(number) * (binary ? 1024 : 1000) ** ' kmgt'.indexOf(prefix.toLowerCase() || ' '))
}

function isCron (expression: string): boolean {
  try {
    CronExpressionParser.parse(expression)
    return true
  } catch {
    return false
  }
}

/** Adds a slash, unless the path is `/`. */
function withSlash (path: string): string {
  return path.endsWith(sep) ? path : path + sep
}

/** Resolves symbolic links. The last parts of the path need not exist yet. */
function real (path: string): string {
  return existsSync(path) ? realpathSync(path) : join(real(dirname(path)), basename(path))
}

function list (value: string): string[] {
  return [...new Set(value.split(','))]
}
