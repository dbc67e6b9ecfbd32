import { print, table, withLocalTimes } from '../output.ts'
import { EXIT, type Server } from '../server.ts'

interface Failed {
  jobs: { path: string, quality: string, error: string, failed_at: string }[]
  sources: { path: string, error: string, since: string | null }[]
}

/** Lists what failed. @returns 1 where something did */
export async function failed (server: Server, { json }: { json?: boolean }): Promise<number> {
  const { jobs, sources } = await server.get<Failed>('/admin/failed')
  const rows = [
    ...jobs.map(({ path, quality, error, failed_at: at }) => [withLocalTimes(at), path, quality, error]),
    ...sources.filter(({ path }) => !jobs.some(job => job.path === path)).map(({ path, error, since }) => [withLocalTimes(since ?? ''), path, '', error])
  ]
  print(json, { jobs, sources }, rows.length > 0 ? [...table(rows), '', 'When a file is mended: mixtape-audio retry, for all, or with its path'] : ['Nothing has failed.'])
  return rows.length > 0 ? EXIT.found : EXIT.ok
}

/** Forgets failures of a track or of all, and enqueues again. */
export async function retry (server: Server, path: string | undefined, { json }: { json?: boolean }): Promise<number> {
  const answer = await server.post<{ message: string }>('/admin/failed/retry', { path })
  print(json, answer, [answer.message])
  return EXIT.ok
}
