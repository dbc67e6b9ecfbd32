import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { ConfigError, processEnvironment, projectVersion, readConfig } from '@mixtape/config'
import { visible } from '@mixtape/log'
import { clear, type ClearOptions } from './commands/clear.ts'
import { doctor } from './commands/doctor.ts'
import { failed, retry } from './commands/failed.ts'
import { precache, type PrecacheOptions } from './commands/precache.ts'
import { start } from './commands/start.ts'
import { stats } from './commands/stats.ts'
import { verify } from './commands/verify.ts'
import { why } from './commands/why.ts'
import { CommandError, EXIT, Server } from './server.ts'

interface Common { url: string, token?: string, json?: boolean }

const env = processEnvironment()
const program = new Command('mixtape-audio')
  .description('Asks a mixtape-audio server what it does, and repairs it')
  .version(projectVersion())
  .configureHelp({ showGlobalOptions: true })
  .exitOverride(error => { throw new CommandError('', error.exitCode === 0 ? EXIT.ok : EXIT.usage) })
  .addOption(new Option('--url <url>', 'of the streaming service').env('MIXTAPE_URL').default(`http://127.0.0.1:${env.PORT || 5000}`))
  .addOption(new Option('--token <token>', 'of the admin; better in the environment, where other users do not see it').env('ADMIN_TOKEN'))
  .option('--json', 'print JSON')
  .addHelpText('after', '\nExit codes: 0 all is well; 1 it found what is wrong; 2 it was called wrongly; 3 the server refuses or does not answer.')

const quality = new Option('--quality <quality>', 'only this one').choices(['high', 'medium', 'low'])
const common = () => program.opts<Common>()
const server = () => new Server(common().url, common().token)
const end = async (code: Promise<number>) => { process.exitCode = await code }

program.command('start').description('run Redis, a worker and the streaming service, until Ctrl-C').action(() => end(start()))
program.command('stats').description('hit rate, bytes, queue, workers, failures, cache').action(() => end(stats(server(), common())))
program.command('why <path>').description('why a track is cached at each quality, or is not')
  .action((path: string) => end(why(server(), path, common())))
program.command('precache <what>').description('make the MP3s of a folder, a track, or a list (mixtape.json, .m3u)')
  .addOption(quality).option('--wait', 'wait until all are made')
  .action((what: string, options: PrecacheOptions) => end(precache(server(), what, { ...common(), ...options })))
program.command('failed').description('what failed, in the words of ffmpeg').action(() => end(failed(server(), common())))
program.command('retry [path]').description('forget failures of a track or of all, and try again')
  .action((path: string | undefined) => end(retry(server(), path, common())))
program.command('clear').description('delete cached files, after a count; never originals')
  .option('--path <path>', 'a folder or a track').addOption(quality).option('--older-than-days <days>', 'cached more than this number of days ago')
  .option('--dry-run', 'only count').option('--yes', 'do not ask')
  .action((options: ClearOptions) => end(clear(server(), { ...common(), ...options })))
program.command('verify').description('read every cached MP3 of this machine: size, provenance, decodes')
  .action(() => end(verify(readConfig(env), common())))
program.command('doctor').description('check ffmpeg, Redis, folders, disk, clock and descriptors of this machine')
  .action(() => end(doctor(readConfig({ ...ownRedis(), ...env }), common())))

/** @returns the Redis that `npm start` runs in this folder; it has left its port in a file */
function ownRedis (): { REDIS_URL?: string } {
  try {
    return { REDIS_URL: `redis://127.0.0.1:${readFileSync('data/redis/port', 'utf8')}` }
  } catch {
    return {}
  }
}

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof CommandError || error instanceof ConfigError)) throw error
  if (error.message) console.error(visible(error.message))
  process.exitCode = error instanceof CommandError ? error.exitCode : EXIT.usage
}
