import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData, type Problem } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { t } from 'tap'
import { MixtapeRegistry } from '@mixtape/mixtapes'
import { queueFixture } from './fixtures/queue.ts'
import { testRedis } from './fixtures/redis.ts'

/** What a back end installs: mixtapes, and what that depends on. */
const names = ['mp3', 'track-paths', 'transcode-queue', 'mixtapes']

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)

/** Whether a problem is one of ES modules: the packages are nothing else. */
function isForModules (problem: Problem): boolean {
  return !('resolutionKind' in problem) || ['node16-esm', 'bundler'].includes(problem.resolutionKind)
}

/** A back end in ten lines: it saves a mixtape, and enqueues one track at once. */
const backEnd = `
import { once } from 'node:events'
import { MaintenanceQueue, MixtapeRegistry, type Mixtape } from '@mixtape/mixtapes'
import { producerConnection, TranscodeProducer, type TranscodeJob } from '@mixtape/transcode-queue'

const mixtape: Mixtape = { slug: 'summer', tracks: ['jazz/so-what.flac'], origin: 'api' }
const job: TranscodeJob = { path: 'jazz/so-what.flac', quality: 'low', reason: 'mixtape' }
const redis = producerConnection({ url: process.env.REDIS_URL ?? '' }, console)
await once(redis, 'ready')
await new MixtapeRegistry(redis).save(mixtape)
await new MaintenanceQueue(redis).precacheMixtape(mixtape.slug)
console.log(JSON.stringify(await new TranscodeProducer(redis).enqueue(job)))
redis.disconnect()
`

t.test('a back end installs the packages into an empty project, and enqueues', async t => {
  const dir = t.testdir({
    'package.json': JSON.stringify({ type: 'module', private: true }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        target: 'es2023', module: 'nodenext', strict: true, skipLibCheck: true, types: ['node'], typeRoots: [join(root, 'node_modules/@types')]
      }
    }),
    'back-end.ts': backEnd
  })
  const packed = await run('npm', ['pack', '--json', '--pack-destination', dir, ...names.map(name => `./packages/${name}`)], { cwd: root })
  const tarballs = Object.values(JSON.parse(packed.stdout) as { filename: string, files: { path: string }[] }[])
  t.equal(tarballs.length, names.length, 'all are packed')

  for (const { filename, files } of tarballs) {
    const paths = files.map(({ path }) => path)
    for (const path of ['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']) t.ok(paths.includes(path), `${filename}: ${path}`)
    t.notOk(paths.some(path => /^(src|test)\/|tsbuildinfo|\.map$/.test(path)), `${filename} has nothing else than what is run`)

    const tarball = new Uint8Array(await readFile(join(dir, filename)))
    const { messages } = await publint({ pack: { tarball: tarball.buffer }, strict: true })
    t.strictSame(messages, [], `${filename}: publint`)
    const checked = await checkPackage(createPackageFromTarballData(tarball))
    t.strictSame(checked.types && checked.problems.filter(isForModules), [], `${filename}: are the types wrong?`)
  }

  await run('npm', ['install', '--prefer-offline', ...tarballs.map(({ filename }) => `./${filename}`)], { cwd: dir })
  const installed = Object.keys(JSON.parse(await readFile(join(dir, 'node_modules/.package-lock.json'), 'utf8')).packages)
  t.strictSame(installed.filter(path => /ffmpeg|fastify|music-metadata|sharp|@mixtape/.test(path)).sort(),
    names.map(name => `node_modules/@mixtape/${name}`).sort(), 'neither ffmpeg, nor the services, nor a parser of audio')

  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc')], { cwd: dir })
  const { url } = await testRedis(t)
  const { stdout } = await run(process.execPath, ['back-end.js'], { cwd: dir, env: { ...process.env, REDIS_URL: url } })
  t.strictSame(JSON.parse(stdout), { status: 'queued' }, 'the compiled back end runs')

  const { redis, monitor } = queueFixture(t, url)
  t.equal((await monitor.state()).waiting.mixtape.jobs, 1, 'its job is in the queue')
  t.strictSame(await new MixtapeRegistry(redis).get('summer'), { slug: 'summer', tracks: ['jazz/so-what.flac'], origin: 'api' }, 'the mixtape is saved')
  t.equal(await redis.llen('{mixtape}:maintenance:wait'), 1, 'and so is that of the mixtape')
})
