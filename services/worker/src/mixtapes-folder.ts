import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { watch } from 'chokidar'
import type { Logger } from 'pino'
import { Type, type Static } from 'typebox'
import { Errors } from 'typebox/schema'
import type { MaintenanceQueue, MixtapeRegistry } from '@mixtape/mixtapes'

/** The fields that are read of a mixtape file of mixtape-society. */
const fileSchema = Type.Object({
  title: Type.Optional(Type.String()),
  tracks: Type.Array(Type.Object({ path: Type.Optional(Type.String()), file_path: Type.Optional(Type.String()) }))
})

/** A file is read after its size has not changed for this time, in milliseconds, so that it is not read half-written. */
const SETTLED_MS = 200

/**
 * Watches MIXTAPES_DIR, a folder with one JSON file for each mixtape of a mixtape-society installation, and saves its
 * mixtapes in the registry. Every worker watches. The first that saves a change asks for precaching.
 *
 * @returns a function that stops watching
 */
export async function watchMixtapesFolder (
  dir: string, { mixtapes, maintenance, log }: { mixtapes: MixtapeRegistry, maintenance: MaintenanceQueue, log: Logger }
): Promise<() => Promise<void>> {
  const slugs = new Set<string>()
  const watcher = watch(dir, {
    depth: 0,
    awaitWriteFinish: { stabilityThreshold: SETTLED_MS, pollInterval: 50 },
    ignored: (path, stats) => Boolean(stats?.isFile()) && !/(^|\/)[^.][^/]*\.json$/.test(path)
  })
  // Changes are handled one after the other, so that the last state of a file is saved last.
  let lastAction = Promise.resolve()
  const enqueue = (action: () => Promise<void>) => {
    lastAction = lastAction.then(action).catch(error => {
      log.error(error, 'A change of the mixtapes folder was not saved')
    })
  }
  watcher.on('add', path => { enqueue(() => read(path)) })
  watcher.on('change', path => { enqueue(() => read(path)) })
  watcher.on('unlink', path => { enqueue(() => remove(slugOf(path))) })
  watcher.on('error', error => { log.error(error, 'The mixtapes folder cannot be watched') })
  watcher.on('ready', () => { enqueue(removeDeleted) })

  return async () => {
    await watcher.close()
    await lastAction
  }

  async function read (path: string): Promise<void> {
    const slug = slugOf(path)
    slugs.add(slug)
    try {
      const { title, tracks } = parse(await readFile(join(dir, basename(path)), 'utf8'))
      const paths = tracks.flatMap(track => track.file_path ?? track.path ?? [])
      if (!await mixtapes.save({ slug, title, tracks: paths, origin: 'folder' })) return
      await maintenance.precacheMixtape(slug)
      log.info({ tracks: paths.length }, `Mixtape read: ${slug}`)
    } catch (error) {
      // The last valid state stays in the registry. The file is read again when it changes.
      log.warn(`Mixtape ${slug} cannot be read: ${(error as Error).message}`)
    }
  }

  async function remove (slug: string): Promise<void> {
    slugs.delete(slug)
    if ((await mixtapes.get(slug))?.origin === 'folder' && await mixtapes.remove(slug)) log.info(`Mixtape gone: ${slug}`)
  }

  /** Removes mixtapes whose files were deleted while no worker was watching. */
  async function removeDeleted (): Promise<void> {
    const names = await readdir(dir).catch(() => [])
    if (names.length === 0) return log.warn('MIXTAPES_DIR is empty or not mounted: the mixtapes that are known from it stay')
    for await (const { slug, origin } of mixtapes.all()) {
      if (origin === 'folder' && !slugs.has(slug)) await remove(slug)
    }
  }
}

/** The name of a mixtape's file without `.json`. Characters that a slug cannot have become `~` and their UTF-8 bytes in hexadecimal. */
function slugOf (path: string): string {
  return basename(path, '.json').replaceAll(/[^\w.~-]/gu, character => [...Buffer.from(character)].map(byte => `~${byte.toString(16)}`).join(''))
}

function parse (text: string): Static<typeof fileSchema> {
  const data: unknown = JSON.parse(text)
  const [, [problem]] = Errors(fileSchema, data)
  if (problem) throw new TypeError(`${problem.instancePath || 'the file'} ${problem.message}`)
  return data as Static<typeof fileSchema>
}
