import { join } from 'node:path'
import { t } from 'tap'
import { readConfig } from '../src/index.ts'

t.test('the defaults are those of README.md', async t => {
  const config = readConfig({})
  t.match(config, {
    AUDIO_CACHE_ENABLED: true,
    AUDIO_CACHE_PRECACHE_ON_UPLOAD: true,
    AUDIO_CACHE_PRECACHE_QUALITIES: ['high', 'medium', 'low'],
    AUDIO_CACHE_TRANSCODE_EXTENSIONS: ['.flac', '.wav', '.ogg', '.m4a'],
    HOST: '127.0.0.1',
    PORT: 5000,
    REDIS: { url: 'redis://127.0.0.1:6379', mode: 'standalone', ca: undefined },
    LOG_LEVEL: 'info'
  })
  t.equal(config.MUSIC_ROOT, `${process.cwd()}/data/music`)
  t.equal(config.AUDIO_CACHE_DIR, `${process.cwd()}/data/cache/audio`)
  t.equal(config.ADMIN_TOKEN, undefined)
})

t.test('an empty value counts as unset', async t => {
  t.equal(readConfig({ PORT: '', ADMIN_TOKEN: ' ' }).PORT, 5000)
  t.equal(readConfig({ ADMIN_TOKEN: '' }).ADMIN_TOKEN, undefined)
})

t.test('the error of a wrong value names the variable and the allowed values', async t => {
  const wrong: Record<string, string[]> = {
    PORT: ['http', '70000', '-1', '80.5'],
    WORKER_CONCURRENCY: ['0', 'many'],
    AUDIO_CACHE_ENABLED: ['perhaps'],
    AUDIO_CACHE_PRECACHE_QUALITIES: ['original', 'high medium', 'high,'],
    AUDIO_CACHE_TRANSCODE_EXTENSIONS: ['flac', '.FLAC'],
    REDIS_URL: ['localhost:6379', 'redis://a,b'],
    REDIS_MODE: ['many'],
    ADMIN_TOKEN: ['two words'],
    OTEL_EXPORTER_OTLP_ENDPOINT: ['collector:4318', 'grpc://collector:4317', 'http:///'],
    LOG_LEVEL: ['loud'],
    NIGHTLY_PRECACHE: ['at night', '99 3 ? ? ?'],
    POPULAR_TRACKS: ['-1'],
    AUDIO_CACHE_MAX_SIZE: ['big', '-1GB', '10 apples', '1PB'],
    AUDIO_CACHE_EVICTION: ['fifo'],
    LIBRARY_ACCESS: ['private', 'true'],
    AUDIO_CACHE_MAX_AGE_DAYS: ['0']
  }
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const what = ['REDIS_URL', 'ADMIN_TOKEN'].includes(name) ? 'has a value that is not allowed' : `is "${value.replaceAll('?', '\\?')}"`
      t.throws(() => readConfig({ [name]: value }), { message: new RegExp(`^${name} ${what}\\. Allowed: .+\\.$`) })
    }
  }
})

t.test('the library may be listed by everyone on loopback, and by the admin where there is a token', async t => {
  t.equal(readConfig({}).LIBRARY_ACCESS, 'public')
  t.equal(readConfig({ ADMIN_TOKEN: 'secret' }).LIBRARY_ACCESS, 'admin')
  t.equal(readConfig({ ADMIN_TOKEN: 'secret', LIBRARY_ACCESS: 'public' }).LIBRARY_ACCESS, 'public')
  t.equal(readConfig({ LIBRARY_ACCESS: 'admin' }).LIBRARY_ACCESS, 'admin')
})

t.test('the cache and the library may not contain each other', async t => {
  for (const [MUSIC_ROOT, AUDIO_CACHE_DIR] of [['/a', '/a'], ['/a', '/a/cache'], ['/a/music', '/a'], ['/', '/a'], ['/a', '/']]) {
    t.throws(() => readConfig({ MUSIC_ROOT, AUDIO_CACHE_DIR }), { message: /overlaps MUSIC_ROOT/ })
  }
  t.ok(readConfig({ MUSIC_ROOT: '/a/music', AUDIO_CACHE_DIR: '/a/music-cache' }))
})

t.test('a size has a unit of a power of 1000 or of 1024', async t => {
  for (const [text, bytes] of [
    ['10GB', 10e9], ['500MiB', 500 * 1024 ** 2], ['1.5GiB', 1.5 * 1024 ** 3], ['2k', 2000], ['2KiB', 2048], ['7', 7],
    ['7B', 7], ['1 TB', 1e12]
  ] as const) {
    t.equal(readConfig({ AUDIO_CACHE_MAX_SIZE: text }).AUDIO_CACHE_MAX_SIZE, bytes, text)
  }
  t.equal(readConfig({}).AUDIO_CACHE_MAX_SIZE, undefined)
  t.equal(readConfig({}).AUDIO_CACHE_MIN_FREE, 1024 ** 3)
})

t.test('a cache and a library that overlap through a symbolic link are refused', async t => {
  const music = join(t.testdir({ music: {}, link: t.fixture('symlink', 'music') }), 'music')
  const link = join(music, '../link')
  for (const [MUSIC_ROOT, AUDIO_CACHE_DIR] of [[music, link], [link, music], [music, `${link}/new/cache`], [link, `${link}/cache`]]) {
    t.throws(() => readConfig({ MUSIC_ROOT, AUDIO_CACHE_DIR }), { message: /overlaps MUSIC_ROOT/ })
  }
})

t.test('variables of Redis that do not fit together', async t => {
  t.throws(() => readConfig({ REDIS_URL: 'redis://a,redis://b' }), { message: /^REDIS_URL has several URLs\. Allowed: one, or/ })
  t.throws(() => readConfig({ REDIS_MODE: 'sentinel' }), { message: /^REDIS_SENTINEL_NAME is not set/ })
  t.throws(() => readConfig({ REDIS_CA_FILE: '/nope.pem' }), { message: /^REDIS_CA_FILE is "\/nope\.pem", which cannot be read/ })
  t.match(readConfig({ REDIS_MODE: 'cluster', REDIS_URL: 'redis://a:1, redis://b:2' }).REDIS, { mode: 'cluster', url: 'redis://a:1, redis://b:2' })
})
