import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { encodePath } from '@mixtape/track-paths'
import { count, notice, print, progressBar } from '../output.ts'
import { CommandError, EXIT, type Server } from '../server.ts'

/** How often the server is asked how far it is. */
const POLL_MS = 1000

/** Tracks that are asked for at a time. */
const BATCH_SIZE = 20

interface Entry { type: 'folder' | 'track', path: string, transcoded?: boolean, cached?: string[] }

/** The body of GET /admin/failed, with sources that were dismissed: they are not tried again either. */
interface Failures {
  jobs: { path: string, quality: string, error: string, failed_at: string }[]
  sources: { path: string, error: string, version: string }[]
}

interface Failed {
  path: string
  error: string
  /** Whether the source was known to fail before, so that it was not tried again. */
  earlier: boolean
}

export interface PrecacheOptions { quality?: string, wait?: boolean, json?: boolean }

/**
 * Enqueues what a folder, a track, or the tracks of a list lack.
 *
 * @param what a file that ends with .json, .m3u or .m3u8 on this machine; or a folder or a track of the library
 * @returns 1 where tracks are missing, or failed while it waited
 */
export async function precache (server: Server, what: string, { quality, wait, json }: PrecacheOptions): Promise<number> {
  const listed = /\.(json|m3u8?)$/i.test(what) ? await tracksOfList(what) : undefined
  const before = wait ? await readFailures(server) : undefined
  const missing: string[] = []
  let qualities: string[] = []
  for (const path of listed ?? [what]) {
    try {
      ({ qualities } = await server.post<{ qualities: string[] }>('/admin/precache', { path, quality }))
    } catch (error) {
      if (!listed || (error as CommandError).exitCode !== EXIT.usage) throw error
      missing.push(path)
    }
  }
  const paths = (listed ?? await tracksBelow(server, what)).filter(path => !missing.includes(path))
  const failed = before ? await waitFor(server, paths, qualities, before) : []
  print(json, { tracks: paths.length, qualities, missing, failed }, [
    `${wait ? `${paths.length - failed.length} of ${paths.length} tracks are ready` : `Asked for ${count(paths.length, 'track')}`} at ${qualities.join(', ')}.`,
    ...missing.map(path => `Not in the library: ${path}`),
    ...failed.map(({ path, error, earlier }) => `${earlier ? 'Failed before, and was not tried again' : 'Failed'}: ${path}: ${error}`),
    ...failed.some(({ earlier }) => earlier) ? ['A file is tried again when it has changed, or by: mixtape-audio retry'] : []
  ])
  return missing.length + failed.length > 0 ? EXIT.found : EXIT.ok
}

async function tracksOfList (file: string): Promise<string[]> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    throw new CommandError(`${file} cannot be read on this machine`, EXIT.usage)
  }
  if (!file.toLowerCase().endsWith('.json')) {
    return text.split(/\r?\n/).map(line => line.replace(/^\uFEFF/, '').trim()).filter(line => line && !line.startsWith('#')).map(pathOf)
  }
  try {
    const { tracks } = JSON.parse(text) as { tracks: (string | { file_path?: string, path?: string })[] }
    return tracks.map(track => typeof track === 'string' ? track : track.file_path ?? track.path ?? '')
  } catch {
    throw new CommandError(`${file} is no mixtape: { "tracks": [{ "file_path": "jazz/so-what.flac" }] }`, EXIT.usage)
  }
}

/** @returns the path of a track relative to the library, also where a line has its URL of /play, as in exported playlists */
function pathOf (line: string): string {
  const [, path] = /^https?:\/\/[^/]+.*?\/play\/([^?#]+)/.exec(line) ?? []
  try {
    return path === undefined ? line : decodeURIComponent(path)
  } catch {
    return line
  }
}

async function tracksBelow (server: Server, path: string): Promise<string[]> {
  const found: string[] = []
  for (let offset = 0; ; offset += 500) {
    const page = await server.get<{ type: string, entries?: Entry[], total?: number }>(
      `/library/${encodePath(path.replace(/\/+$/, ''))}`, { offset: `${offset}`, limit: '500' })
    if (page.type === 'track') return [path]
    for (const entry of page.entries ?? []) {
      if (entry.type === 'track') found.push(entry.path)
      else found.push(...await tracksBelow(server, entry.path))
    }
    if (offset + 500 >= (page.total ?? 0)) return found
  }
}

async function readFailures (server: Server): Promise<Failures> {
  return await server.get<Failures>('/admin/failed', { dismissed: 'true' })
}

/**
 * Waits until each track is cached, or has failed. Says what is wrong meanwhile, such as that no worker runs;
 * each problem once.
 *
 * @param before what had failed before these tracks were asked for
 * @returns those that failed
 */
async function waitFor (server: Server, paths: string[], qualities: string[], before: Failures): Promise<Failed[]> {
  const keyOf = ({ path, quality, failed_at: at }: Failures['jobs'][number]) => `${path} ${quality} ${at}`
  const oldJobs = new Set(before.jobs.map(keyOf))
  const failed: Failed[] = []
  const saidCodes = new Set<string>()
  let pending = paths
  for (;;) {
    const { jobs, sources } = await readFailures(server)
    const newJobs = jobs.filter(job => qualities.includes(job.quality) && !oldJobs.has(keyOf(job)))
    const still: string[] = []
    for (let start = 0; start < pending.length; start += BATCH_SIZE) {
      await Promise.all(pending.slice(start, start + BATCH_SIZE).map(async path => {
        const { transcoded, cached = [] } = await server.get<Entry>(`/library/${encodePath(path)}`)
        if (!transcoded || qualities.every(quality => cached.includes(quality))) return
        const source = await refused(server, sources.find(source => source.path === path))
        const failure = source ?? newJobs.find(job => job.path === path)
        if (!failure) return still.push(path)
        const earlier = before.sources.some(known => known.path === path && known.version === source?.version)
        failed.push({ path, error: failure.error, earlier })
      }))
    }
    pending = still
    for (const { code, message } of pending.length > 0 ? await obstacles(server) : []) {
      if (!saidCodes.has(code)) notice(message)
      saidCodes.add(code)
    }
    progressBar(paths.length - pending.length, paths.length, pending[0] ?? '')
    if (pending.length === 0) return failed
    await setTimeout(POLL_MS)
  }
}

/** @returns a source that is not enqueued, because it failed as it is now; undefined where it has changed since */
async function refused (server: Server, source: Failures['sources'][number] | undefined): Promise<Failures['sources'][number] | undefined> {
  if (!source) return undefined
  const now = await server.get<{ source: { version: string } | null }>(`/admin/tracks/${encodePath(source.path)}`)
  return now.source?.version === source.version ? source : undefined
}

/** @returns why jobs may stand still, in words */
async function obstacles (server: Server): Promise<{ code: string, message: string }[]> {
  const [{ problems }, { paused }] = await Promise.all([
    // It is a 503 where nothing can be played. The requests for the tracks tell that.
    server.get<{ problems: { code: string, message: string }[] }>('/health').catch(() => ({ problems: [] })),
    server.get<{ paused: boolean }>('/admin/queue')
  ])
  return paused ? [...problems, { code: 'paused', message: 'The queue is paused: no job starts until it is resumed, at /admin/.' }] : problems
}
