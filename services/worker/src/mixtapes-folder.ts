import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { watch } from 'chokidar'
import type { Logger } from 'pino'
import { Type, type Static } from 'typebox'
import { Errors } from 'typebox/schema'
import type { Maintenance, Mixtapes } from '@mixtape/transcode-queue'

/** What mixtape-society writes; of its many fields these are read. */
const fileSchema = Type.Object({
  title: Type.Optional(Type.String()),
  tracks: Type.Array(Type.Object({ path: Type.Optional(Type.String()), file_path: Type.Optional(Type.String()) }))
})

/** How long a file has to keep its size before it is read, in milliseconds: it may be half-written. */
const SETTLED_MS = 200

/**
 * Keeps the mixtapes that are known in step with the JSON files of a mixtape-society installation, one a mixtape. Every
 * worker watches, and the first to say that a mixtape changed is the one that has its work listed.
 *
 * @returns how to stop watching
 */
export async function watchMixtapesFolder (
  dir: string, { mixtapes, maintenance, log }: { mixtapes: Mixtapes, maintenance: Maintenance, log: Logger }
): Promise<() => Promise<void>> {
  const seen = new Set<string>()
  const watcher = watch(dir, {
    depth: 0,
    awaitWriteFinish: { stabilityThreshold: SETTLED_MS, pollInterval: 50 },
    ignored: (path, stats) => Boolean(stats?.isFile()) && !/(^|\/)[^.][^/]*\.json$/.test(path)
  })
  // One after the other, so that a file that changes twice is not left at its first state.
  let work = Promise.resolve()
  const inTurn = (action: () => Promise<void>) => {
    work = work.then(action).catch(error => {
      log.error(error, 'The mixtapes folder and the known mixtapes are out of step')
    })
  }
  watcher.on('add', path => { inTurn(() => read(path)) })
  watcher.on('change', path => { inTurn(() => read(path)) })
  watcher.on('unlink', path => { inTurn(() => forget(slugOf(path))) })
  watcher.on('error', error => { log.error(error, 'The mixtapes folder cannot be watched') })
  watcher.on('ready', () => { inTurn(forgetOthers) })

  return async () => {
    await watcher.close()
    await work
  }

  async function read (path: string): Promise<void> {
    const slug = slugOf(path)
    seen.add(slug)
    try {
      const { title, tracks } = parse(await readFile(join(dir, basename(path)), 'utf8'))
      const paths = tracks.map(track => track.file_path ?? track.path ?? '')
      if (!await mixtapes.save({ slug, title, tracks: paths, origin: 'folder' })) return
      await maintenance.precacheMixtape(slug)
      log.info({ tracks: paths.length }, `Mixtape read: ${slug}`)
    } catch (error) {
      // What stands there from before stays; the file is read again when it changes.
      log.warn(`Mixtape ${slug} cannot be read: ${(error as Error).message}`)
    }
  }

  async function forget (slug: string): Promise<void> {
    seen.delete(slug)
    if ((await mixtapes.get(slug))?.origin === 'folder' && await mixtapes.remove(slug)) log.info(`Mixtape gone: ${slug}`)
  }

  /** Those whose files went while nobody watched. */
  async function forgetOthers (): Promise<void> {
    for await (const { slug, origin } of mixtapes.all()) {
      if (origin === 'folder' && !seen.has(slug)) await forget(slug)
    }
  }
}

function slugOf (path: string): string {
  return basename(path, '.json')
}

function parse (text: string): Static<typeof fileSchema> {
  const data: unknown = JSON.parse(text)
  const [, [problem]] = Errors(fileSchema, data)
  if (problem) throw new TypeError(`${problem.instancePath || 'the file'} ${problem.message}`)
  return data as Static<typeof fileSchema>
}
