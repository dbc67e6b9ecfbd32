import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { verifyCached, type Verified } from '@mixtape/audio-cache/upkeep'
import type { Config } from '@mixtape/config'
import { Library } from '@mixtape/library'
import { print, progressBar } from '../output.ts'
import { CommandError, EXIT } from '../server.ts'

/** Reads every cached MP3 of this machine. @returns 1 where one is not what it claims, or does not decode */
export async function verify ({ MUSIC_ROOT, AUDIO_CACHE_DIR: dir }: Config, { json }: { json?: boolean }): Promise<number> {
  if (!await stat(dir).then(found => found.isDirectory(), () => false)) throw new CommandError(`AUDIO_CACHE_DIR is no folder: ${dir}`, EXIT.usage)
  const files: Verified[] = []
  await verifyCached(dir, new Library(MUSIC_ROOT), async file => { files.push(file) })
  const problems = []
  for (const [index, { path, problem }] of files.entries()) {
    progressBar(index, files.length, path)
    const found = problem ?? await decodeErrors(join(dir, path))
    if (found !== undefined) problems.push({ path, problem: found })
  }
  progressBar(files.length, files.length, '')
  print(json, { files: files.length, problems }, [
    ...problems.map(({ path, problem }) => `${path}: ${problem}`),
    `${files.length - problems.length} of ${files.length} cached MP3s in ${dir} are what they claim.`
  ])
  return problems.length > 0 ? EXIT.found : EXIT.ok
}

/** @returns the words of ffmpeg; undefined where the whole file decodes */
async function decodeErrors (file: string): Promise<string | undefined> {
  const ffmpeg = spawn('ffmpeg', ['-nostdin', '-v', 'error', '-i', `file:${file}`, '-map', '0:a', '-f', 'null', '-'], {
    stdio: ['ignore', 'ignore', 'pipe']
  })
  const [errors, [status]] = await Promise.all([text(ffmpeg.stderr), once(ffmpeg, 'exit')]).catch(() => {
    throw new CommandError('ffmpeg cannot be run, which verify needs.', EXIT.usage)
  })
  const words = errors.trim().split('\n').slice(-3).join('; ').replaceAll(file, 'the file')
  return words || (status === 0 ? undefined : `ffmpeg ended with status ${status}`)
}
